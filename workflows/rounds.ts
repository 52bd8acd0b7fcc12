import { log, TemporalFailure } from '@temporalio/workflow';
import {
  type DeliveryInput,
  type DeliveryResult,
  markOf,
  type RegisterResult,
  type RoundRef,
} from '../contract/delivery.js';
import { local } from './activities.js';
import type { Call } from './batch.js';

/** After an activity that failed by a fault of our own. */
const FAULT_DELAY_MS = 5_000;

/** What a round has brought: `results` in the order of its calls. */
export interface Answers {
  results: DeliveryResult[];
  /** Milliseconds of its longest attempt. */
  took: number;
  registration: RegisterResult;
}

interface UnderWay {
  calls: readonly Call[];
  answers: Promise<[PromiseSettledResult<DeliveryResult>[], RegisterResult]>;
}

/** The activities of rounds that are under way. */
export class Rounds {
  readonly #underWay: UnderWay[] = [];
  #begun = 0;

  /** One attempt for each of these calls; which of them resolves first may differ in a replay. */
  begin(calls: readonly Call[], now: number, registration: Promise<RegisterResult>): void {
    const round = { number: this.#begun, size: calls.length };
    const inputs = calls.map((call) => deliveryOf(call, round, now));
    // No promise but the activity's own for each call: their bookkeeping is what workflow code spends its time on.
    const attempts = Promise.allSettled(
      inputs.map((input) => local.deliverWebhook.executeWithOptions({ summary: input.call_id }, [input])),
    );
    this.#begun += 1;
    this.#underWay.push({ calls, answers: Promise.all([attempts, registration]) });
  }

  /** Of the round that began first, whichever has ended first. */
  async endOfFirst(): Promise<Answers> {
    const [first] = this.#underWay;
    if (!first) throw new Error('no round is under way');
    const [executions, registration] = await first.answers;
    const results = executions.map((execution, index) => resultOf(execution, markOf(first.calls[index]?.id ?? '')));
    const took = results.reduce((longest, result) => Math.max(longest, result.took), 0);
    this.#underWay.shift();
    return { results, took, registration };
  }
}

function deliveryOf({ id, batch, route, ordered }: Call, round: RoundRef, now: number): DeliveryInput {
  if (!route) throw new Error(`call ${id} is not registered`);
  const { key, origin } = route.endpoint.ref;
  return {
    ...batch.base,
    call_id: id,
    endpoint: { key, origin },
    remaining_ms: Math.min(batch.horizonAt - now, Number.MAX_SAFE_INTEGER),
    round,
    ...(ordered && { ordered }),
  };
}

/** A fault of our own must not end a batch: the call is tried again a little later, until its horizon. */
function resultOf(execution: PromiseSettledResult<DeliveryResult>, of: string): DeliveryResult {
  if (execution.status === 'fulfilled') return own(execution.value, of);
  if (!(execution.reason instanceof TemporalFailure)) throw execution.reason;
  log.error('an attempt failed by a fault of the worker', { error: execution.reason });
  return { kind: 'busy', due_in: FAULT_DELAY_MS, took: 0, of };
}

/** The workflow task fails, and is repeated: better than a webhook that counts as delivered by another's answer. */
function own(result: DeliveryResult, of: string): DeliveryResult {
  if (result.of !== of)
    throw new Error(`an attempt of a call ...${of} was answered for ...${result.of}: not the same decisions`);
  return result;
}
