import type { CallOutcome, CallStatus, Counts } from '../contract/batch.js';

/** A batch's or page's calls: where each stands, and how many stand where. */
export class Ledger {
  readonly counts: Counts;
  readonly #outcomes = new Map<string, CallOutcome>();

  constructor(callIds: readonly string[]) {
    this.counts = { ...noCounts(), total: callIds.length, pending: callIds.length };
    for (const call_id of callIds) this.#outcomes.set(call_id, { call_id, status: 'pending' });
  }

  statusOf(callId: string): CallStatus {
    return this.#outcomeOf(callId).status;
  }

  set(callId: string, status: CallStatus, error?: CallOutcome['error']): void {
    const outcome = this.#outcomeOf(callId);
    this.counts[outcome.status] -= 1;
    this.counts[status] += 1;
    outcome.status = status;
    if (error) outcome.error = error;
  }

  #outcomeOf(callId: string): CallOutcome {
    const outcome = this.#outcomes.get(callId);
    if (!outcome) throw new Error(`no call ${callId} in this ledger`);
    return outcome;
  }

  /** In the order of the request. */
  outcomes(): CallOutcome[] {
    return [...this.#outcomes.values()];
  }

  /** Every outcome but `delivered`. */
  exceptions(): CallOutcome[] {
    return this.outcomes().filter(({ status }) => status !== 'delivered');
  }

  /** Calls that still may be sent. */
  unsettled(): string[] {
    return this.outcomes()
      .filter(({ status }) => status === 'pending' || status === 'retrying')
      .map(({ call_id }) => call_id);
  }
}

export function noCounts(): Counts {
  return { total: 0, delivered: 0, retrying: 0, failed: 0, rejected: 0, canceled: 0, pending: 0 };
}

export function addCounts(sum: Counts, counts: Counts): Counts {
  return {
    total: sum.total + counts.total,
    delivered: sum.delivered + counts.delivered,
    retrying: sum.retrying + counts.retrying,
    failed: sum.failed + counts.failed,
    rejected: sum.rejected + counts.rejected,
    canceled: sum.canceled + counts.canceled,
    pending: sum.pending + counts.pending,
  };
}
