import { CancellationScope, condition, log, workflowInfo } from '@temporalio/workflow';
import type { BatchOptions, CallOutcome, Counts, EndpointState } from '../contract/batch.js';
import type { DeliveryInput, DeliveryResult } from '../contract/delivery.js';
import { BATCH_CANCELED } from '../contract/failures.js';
import { DEFAULT_DOWN_AFTER, DEFAULT_MAX_IN_FLIGHT } from '../contract/limits.js';
import type { OutcomesPage } from '../contract/messages.js';
import type { SendType } from '../contract/webhook.js';
import { type AttemptEnd, endOf } from './attempt-end.js';
import type { Delivery } from './delivery.js';
import { EndpointHealth } from './endpoint-health.js';
import { deliverExpress, deliverFirst, deliverRetrying, type Fairness } from './lanes.js';
import { Ledger } from './ledger.js';
import { settleRest } from './settle-rest.js';
import { WaitingRoom } from './waiting-room.js';

/** This many express attempts that outlast their patience move the page's remaining first attempts to the durable lane. */
const SLOW_AFTER = 3;
/** Above this many events a page ignores `retryNow`, which costs four a call: its calls go on by their schedules. */
const MAX_HISTORY_FOR_RETRY_NOW = 20_000;

export interface PageInput extends Fairness {
  batch_id: string;
  user_id: string;
  call_ids: string[];
  webhook_url?: string;
  send_type: SendType;
  options?: BatchOptions;
}

/** Why a page makes no more attempts: what its unsettled calls become. */
interface Ending {
  status: 'failed' | 'canceled';
  error: { type: string; message: string };
}

/** Delivers at most 500 calls: a bounded number of first attempts at once, each failed call going on by itself afterwards. */
export class Page implements Delivery {
  firstAttemptsDone = false;
  paused = false;

  readonly #input: PageInput;
  readonly #ledger: Ledger;
  readonly #health: EndpointHealth;
  readonly #waitingRoom = new WaitingRoom();
  /** Durable attempts that are running or in backoff. */
  readonly #pending = new Map<string, CancellationScope>();
  readonly #onChange: () => void;
  #nextCall = 0;
  #firstInFlight = 0;
  /** Calls past their first attempt that are not settled. */
  #following = 0;
  #outlasted = 0;
  #ending: Ending | undefined;

  /** `onChange` is called when first attempts are done and when the endpoint's state or the page's own changes. */
  constructor(input: PageInput, onChange: () => void) {
    this.#input = input;
    this.#onChange = onChange;
    this.#ledger = new Ledger(input.call_ids);
    this.#health = new EndpointHealth(input.options?.down_after ?? DEFAULT_DOWN_AFTER);
  }

  get counts(): Counts {
    return this.#ledger.counts;
  }

  get endpoint(): EndpointState {
    return this.#health.state;
  }

  get endpointSince(): string | null {
    return this.#health.since === undefined ? null : new Date(this.#health.since).toISOString();
  }

  get canceling(): boolean {
    return this.#ending?.status === 'canceled';
  }

  async run(): Promise<void> {
    const { options, call_ids } = this.#input;
    const runners = Math.min(options?.max_in_flight ?? DEFAULT_MAX_IN_FLIGHT, call_ids.length);
    await Promise.all(Array.from({ length: runners }, () => this.#makeFirstAttempts()));
    this.firstAttemptsDone = true;
    this.#onChange();
    await condition(() => this.#following === 0);
    if (this.#ending) await settleRest(this.#input, this.#ledger, this.#ending);
  }

  exceptions(): CallOutcome[] {
    return this.#ledger.outcomes().filter(({ status }) => status !== 'delivered');
  }

  outcomesOf(page: number): OutcomesPage {
    return { page, pages: 1, outcomes: page === 0 ? this.#ledger.outcomes() : [] };
  }

  runningPages(): [] {
    return [];
  }

  retryNow(callIds?: readonly string[]): void {
    if (this.paused || this.#ending) return;
    if (workflowInfo().historyLength > MAX_HISTORY_FOR_RETRY_NOW) {
      log.warn('retryNow ignored: the history is too long; the calls go on by their schedules');
      return;
    }
    for (const callId of callIds ?? this.#ledger.unsettled()) this.#hurry(callId);
  }

  pause(): void {
    if (this.paused || this.#ending) return;
    this.paused = true;
    this.#callBackPending();
    this.#onChange();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.#waitingRoom.releaseAll();
    this.#onChange();
  }

  cancel(): void {
    this.#end({ status: 'canceled', error: { type: BATCH_CANCELED, message: 'the batch was canceled' } });
  }

  /** The endpoint answered 410 to another page of the batch. */
  endpointGone(): void {
    this.#health.gone(Date.now());
    this.#end({ status: 'failed', error: { type: 'EndpointGone', message: 'the endpoint answered 410 Gone' } });
  }

  #end(ending: Ending): void {
    if (this.#ending) return;
    this.#ending = ending;
    this.paused = false;
    this.#waitingRoom.releaseAll();
    this.#callBackPending();
    this.#onChange();
  }

  /** Ends pending activities that are in backoff; those with an attempt in flight finish it first. */
  #callBackPending(): void {
    for (const scope of [...this.#pending.values()]) scope.cancel();
  }

  #hurry(callId: string): void {
    this.#waitingRoom.release(callId);
    this.#pending.get(callId)?.cancel();
  }

  async #makeFirstAttempts(): Promise<void> {
    for (;;) {
      while (!this.#mayStart()) await condition(() => this.#mayStart());
      const callId = this.#ending ? undefined : this.#input.call_ids[this.#nextCall++];
      if (callId === undefined) return;
      this.#firstInFlight += 1;
      const end = await this.#firstAttempt(callId);
      this.#firstInFlight -= 1;
      this.#following += 1;
      void this.#follow(callId, end);
    }
  }

  /** A paused page starts nothing. A down endpoint is left to the calls already tried; when none is left, to one new one. */
  #mayStart(): boolean {
    if (this.#ending || this.#nextCall >= this.#input.call_ids.length) return true;
    if (this.paused) return false;
    return this.#health.state !== 'down' || this.#firstInFlight + this.#following === 0;
  }

  async #firstAttempt(callId: string): Promise<AttemptEnd> {
    if (this.#outlasted < SLOW_AFTER) {
      const end = await endOf(deliverExpress(this.#deliveryOf(callId)));
      if (end.kind === 'in_flight') this.#outlasted += 1;
      else if (end.kind !== 'not_made') return this.#observed(end);
      else if (this.paused || this.#ending) return end;
    }
    return this.#durably(callId, deliverFirst);
  }

  /** Later attempts, until the call is settled or the page ends. */
  async #follow(callId: string, first: AttemptEnd): Promise<void> {
    for (let end = first; !this.#settle(callId, end) && !this.#ending; ) {
      const made = end.kind === 'retry' || this.#ledger.statusOf(callId) === 'retrying';
      if (made) this.#ledger.set(callId, 'retrying');
      if ('delayMs' in end && end.delayMs > 0) await this.#waitingRoom.wait(callId, end.delayMs);
      if (this.paused) await condition(() => !this.paused);
      if (this.#ending) break;
      end = await this.#durably(callId, made ? deliverRetrying : deliverFirst);
    }
    this.#following -= 1;
  }

  async #durably(
    callId: string,
    deliver: (input: DeliveryInput, fairness: Fairness) => Promise<DeliveryResult>,
  ): Promise<AttemptEnd> {
    const scope = new CancellationScope({ cancellable: true });
    this.#pending.set(callId, scope);
    const end = await endOf(scope.run(() => deliver(this.#deliveryOf(callId), this.#input)));
    this.#pending.delete(callId);
    return this.#observed(end);
  }

  #observed(end: AttemptEnd): AttemptEnd {
    const before = this.#health.state;
    if (end.kind === 'delivered') this.#health.succeeded();
    if (end.kind === 'retry') this.#health.failed(end.endpointFailed, Date.now());
    if (end.kind === 'failed' && end.gone) this.endpointGone();
    else if (before !== this.#health.state) this.#onChange();
    return end;
  }

  /** True when the call needs nothing more. */
  #settle(callId: string, end: AttemptEnd): boolean {
    if (end.kind === 'delivered') this.#ledger.set(callId, 'delivered');
    else if (end.kind === 'rejected' || end.kind === 'failed') this.#ledger.set(callId, end.kind, end.error);
    else return false;
    return true;
  }

  #deliveryOf(call_id: string): DeliveryInput {
    const { batch_id, user_id, webhook_url, send_type } = this.#input;
    return { batch_id, call_id, user_id, send_type, ...(webhook_url !== undefined && { webhook_url }) };
  }
}
