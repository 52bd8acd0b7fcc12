import type { CallStanding, FinalFailure, Rejection, SendType, WebhookStatus } from '../../contract/index.js';

interface ModelWebhook {
  batch: number;
  status: WebhookStatus;
  error: FinalFailure | null;
  step: number;
  interruptions: number;
  alone: number;
  /** Waits for a later time; `held`: which no order shortens. */
  wait: 'none' | 'later' | 'held';
  /** Has been read, or was never asked for yet. */
  isRead: boolean;
  erased?: true;
}

export interface ModelAttempt {
  call: string;
  batch: number;
  alone: boolean;
  state: 'open' | 'expired' | 'interrupted' | 'ended' | 'removed';
  code: number | null;
}

interface ModelBatch {
  calls: string[];
  send_type: SendType;
  rejected: Map<string, Rejection>;
}

export type ModelEnd = 'delivered' | 'retrying' | 'held' | 'failed';

const isSuccess = (code: number | null): boolean => code !== null && code >= 200 && code < 300;
const isUnsettled = ({ status }: ModelWebhook): boolean => status === 'pending' || status === 'retrying';

/** What the store must answer, for one user, whose times are far apart: what waits is due in a minute, and deadlines pass when told. */
export class StoreModel {
  readonly webhooks = new Map<string, ModelWebhook>();
  readonly attempts: ModelAttempt[] = [];
  readonly batches: ModelBatch[] = [];

  /** Standings that are not simply untried, by call. */
  register(calls: string[], send_type: SendType, onlyFailed: boolean): [string, CallStanding][] {
    const batch = this.batches.length;
    const rejected = new Map<string, Rejection>();
    for (const call of calls) {
      const error = send_type === 'create' ? this.#createError(call) : this.#resendError(call, onlyFailed);
      if (error) rejected.set(call, error);
      else this.#take(call, batch);
    }
    this.batches.push({ calls, send_type, rejected });
    return [...rejected].map(([call, error]) => [call, { status: 'rejected', error }]);
  }

  registerAgain(batch: number): [string, CallStanding][] {
    const { calls = [], rejected } = this.batches[batch] ?? {};
    return calls.flatMap((call): [string, CallStanding][] => {
      const error = rejected?.get(call);
      if (error) return [[call, { status: 'rejected', error }]];
      const webhook = this.webhooks.get(call);
      if (!webhook || webhook.batch !== batch) return [[call, this.#taken(call, batch)]];
      if (isUnsettled(webhook) && this.#open(call)) return [[call, { status: 'in_flight' }]];
      return webhook.status === 'pending' ? [] : [[call, this.standing(webhook)]];
    });
  }

  open(batch: number, call: string, ordered: boolean, isolation?: 'alone' | 'shared'): object {
    const webhook = this.webhooks.get(call);
    if (!webhook) return { kind: 'standing', standing: { status: 'rejected', error: 'CallNotFound' } };
    if (webhook.batch !== batch) return { kind: 'standing', standing: this.#taken(call, batch) };
    if (!isUnsettled(webhook)) return { kind: 'standing', standing: this.standing(webhook) };
    this.#interrupt(call);
    if (this.#open(call)) return { kind: 'open_elsewhere' };
    if (webhook.wait === 'held' || (webhook.wait === 'later' && !ordered)) return { kind: 'too_early' };
    const { interruptions, alone, step } = webhook;
    if (interruptions > 0 && !isolation) return { kind: 'suspect', in_a_row: interruptions, alone };
    webhook.isRead = true;
    this.attempts.push({ call, batch, alone: isolation === 'alone', state: 'open', code: null });
    return { kind: 'opened', step };
  }

  close(attempt: ModelAttempt, end: ModelEnd): { standing: CallStanding; code: number | null } {
    const webhook = this.webhooks.get(attempt.call) as ModelWebhook;
    if (attempt.state !== 'ended' && attempt.state !== 'removed') {
      attempt.state = 'ended';
      attempt.code = end === 'delivered' ? 200 : 500;
      this.#move(webhook, attempt, end);
    }
    const standing =
      webhook.batch === attempt.batch ? this.standing(webhook) : this.#taken(attempt.call, attempt.batch);
    // A success that is told again is answered as one, whatever was recorded before.
    if (webhook.batch !== attempt.batch && end === 'delivered')
      return { standing: { status: 'delivered' }, code: attempt.code };
    return { standing, code: attempt.code };
  }

  settle(batch: number, calls: readonly string[]): [string, CallStanding][] {
    return calls.flatMap((call): [string, CallStanding][] => {
      const webhook = this.webhooks.get(call);
      if (!webhook) return [[call, { status: 'rejected', error: 'CallNotFound' }]];
      if (webhook.batch !== batch) return [[call, this.#taken(call, batch)]];
      if (!isUnsettled(webhook)) return [[call, this.standing(webhook)]];
      if (this.#open(call)?.state === 'open') return [[call, { status: 'in_flight' }]];
      Object.assign(webhook, { status: 'canceled', error: 'BatchCanceled', wait: 'none' });
      return [];
    });
  }

  reject(batch: number, call: string): CallStanding {
    const webhook = this.webhooks.get(call);
    if (!webhook) return { status: 'rejected', error: 'CallNotFound' };
    if (webhook.batch !== batch) return this.#taken(call, batch);
    if (webhook.isRead || webhook.status !== 'pending') return this.standing(webhook);
    this.webhooks.delete(call);
    this.batches[batch]?.rejected.set(call, 'CallNotFound');
    return { status: 'rejected', error: 'CallNotFound' };
  }

  watch(batch: number, call: string): object {
    const webhook = this.webhooks.get(call);
    if (!webhook) return { kind: 'unknown' };
    if (webhook.batch !== batch) return { kind: 'standing', standing: this.#taken(call, batch) };
    const last = () => this.attempts.findLast((attempt) => attempt.call === call && attempt.batch === batch);
    if (last()?.state === 'expired') this.#interrupt(call);
    const state = last()?.state;
    if (state === 'open') return { kind: 'open' };
    if (isUnsettled(webhook) && state === undefined) return { kind: 'unknown' };
    if (isUnsettled(webhook) && state === 'interrupted') return { kind: 'interrupted' };
    return { kind: 'standing', standing: this.standing(webhook) };
  }

  failUnsettled(batch: number): number {
    let failed = 0;
    for (const [call, webhook] of this.webhooks) {
      if (webhook.batch !== batch || !isUnsettled(webhook)) continue;
      this.#interrupt(call);
      if (this.#open(call)) continue;
      Object.assign(webhook, { status: 'failed', error: 'BatchEnded', wait: 'none' });
      failed += 1;
    }
    return failed;
  }

  /** Whether an attempt is in flight, whose end is still to come. */
  erase(call: string): { was: WebhookStatus; is: WebhookStatus; in_flight: boolean } | undefined {
    const webhook = this.webhooks.get(call);
    if (!webhook) return undefined;
    const { status: was } = webhook;
    if (isUnsettled(webhook)) Object.assign(webhook, { status: 'failed', error: 'CallErased', wait: 'none' });
    webhook.erased = true;
    for (const attempt of this.attempts) {
      if (attempt.call === call && attempt.state !== 'open') Object.assign(attempt, { state: 'removed', code: null });
    }
    return { was, is: webhook.status, in_flight: this.#open(call) !== undefined };
  }

  standing({ status, error }: ModelWebhook): CallStanding {
    if (status === 'delivered') return { status };
    if (status === 'failed' || status === 'canceled') return { status, error: error as FinalFailure };
    return { status: 'retrying', due_in: 0 };
  }

  #createError = (call: string): Rejection | undefined => (this.webhooks.has(call) ? 'WebhookExists' : undefined);

  #resendError(call: string, onlyFailed: boolean): Rejection | undefined {
    const webhook = this.webhooks.get(call);
    if (!webhook) return 'WebhookNotFound';
    if (webhook.erased) return 'WebhookErased';
    if (isUnsettled(webhook) || this.#open(call)?.state === 'open') return 'WebhookInProgress';
    return onlyFailed && webhook.status !== 'failed' ? 'WebhookNotFailed' : undefined;
  }

  #take(call: string, batch: number): void {
    const isRead = this.webhooks.get(call)?.isRead ?? false;
    const fresh = { step: 0, interruptions: 0, alone: 0, wait: 'none', error: null, status: 'pending' } as const;
    this.webhooks.set(call, { ...fresh, batch, isRead });
  }

  #taken(call: string, batch: number): CallStanding {
    if (!this.webhooks.has(call)) return { status: 'canceled', error: 'BatchPruned' };
    const delivered = this.attempts.some((own) => own.call === call && own.batch === batch && isSuccess(own.code));
    return delivered ? { status: 'delivered' } : { status: 'failed', error: 'Superseded' };
  }

  #open = (call: string): ModelAttempt | undefined =>
    this.attempts.find((attempt) => attempt.call === call && (attempt.state === 'open' || attempt.state === 'expired'));

  #interrupt(call: string): void {
    const attempt = this.#open(call);
    const webhook = this.webhooks.get(call);
    if (attempt?.state !== 'expired' || !webhook) return;
    attempt.state = 'interrupted';
    if (webhook.batch !== attempt.batch) return;
    webhook.interruptions += 1;
    if (attempt.alone) webhook.alone += 1;
  }

  #move(webhook: ModelWebhook, attempt: ModelAttempt, end: ModelEnd): void {
    if (webhook.batch !== attempt.batch || webhook.status === 'delivered') return;
    const isLast = this.attempts.findLast(({ call }) => call === attempt.call) === attempt;
    if (end !== 'delivered' && !(isUnsettled(webhook) && isLast)) return;
    const wait = end === 'held' ? 'held' : end === 'retrying' ? 'later' : 'none';
    const status = end === 'held' ? 'retrying' : end;
    const error = end === 'failed' ? 'ScheduleUsedUp' : null;
    Object.assign(webhook, { status, error, wait, step: webhook.step + 1, interruptions: 0, alone: 0 });
  }
}
