import { CancellationScope, condition, log, workflowInfo } from '@temporalio/workflow';
import type { BatchOptions, CallOutcome, Counts, EndpointState } from '../contract/batch.js';
import type { DeliveryInput } from '../contract/delivery.js';
import { BATCH_CANCELED } from '../contract/failures.js';
import { DEFAULT_DOWN_AFTER, DEFAULT_MAX_IN_FLIGHT } from '../contract/limits.js';
import type { OutcomesPage } from '../contract/messages.js';
import type { SendType } from '../contract/webhook.js';
import { type AttemptEnd, endOf } from './attempt-end.js';
import type { Delivery } from './delivery.js';
import { EndpointHealth } from './endpoint-health.js';
import { ExpressGate } from './express-gate.js';
import { type DurableLane, deliverExpress, deliverFirst, deliverRetrying, type Fairness } from './lanes.js';
import { Ledger } from './ledger.js';
import { settleRest } from './settle-rest.js';
import { WaitingRoom } from './waiting-room.js';

/** This many express attempts that outlast their patience move the page's remaining first attempts to the durable lane. */
const SLOW_AFTER = 3;
/** So does a round of which half takes this long (milliseconds): no query is answered between rounds. */
const SLOW_RESPONSE_MS = 200;
/** Above this many events a page ignores `retryNow`, which costs four a call: its calls go on by their schedules. */
const MAX_HISTORY_FOR_RETRY_NOW = 20_000;

export interface PageInput extends Fairness {
  batch_id: string;
  user_id: string;
  call_ids: string[];
  webhook_url?: string;
  send_type: SendType;
  options?: BatchOptions;
  /** Other pages have delivered to the endpoint: this one need not begin with few attempts. */
  endpoint_proven?: boolean;
}

/** Why a page makes no more attempts: what its unsettled calls become. */
interface Ending {
  status: 'failed' | 'canceled';
  error: { type: string; message: string };
}

const CANCELED: Ending = {
  status: 'canceled',
  error: { type: BATCH_CANCELED, message: 'the batch was canceled' },
};
const GONE: Ending = {
  status: 'failed',
  error: { type: 'EndpointGone', message: 'the endpoint answered 410 Gone' },
};

/** Delivers at most 500 calls: a bounded number of first attempts at once, each failed call going on by itself afterwards. */
export class Page implements Delivery {
  firstAttemptsDone = false;
  paused = false;

  readonly #input: PageInput;
  readonly #maxInFlight: number;
  readonly #ledger: Ledger;
  readonly #health: EndpointHealth;
  readonly #gate = new ExpressGate();
  readonly #waitingRoom = new WaitingRoom();
  /** Durable attempts that are running or in backoff. */
  readonly #pending = new Map<string, CancellationScope>();
  readonly #onChange: () => void;
  #nextCall = 0;
  /** Calls of the next express round: few at first, so that a dead endpoint sees few, and twice as many after each round. */
  #roundSize: number;
  #outlasted = 0;
  /** First attempts in the durable lane. */
  #firstInFlight = 0;
  /** Calls past their first attempt that are not settled. */
  #following = 0;
  #ending: Ending | undefined;

  /** `onChange` is called when first attempts are done and when the endpoint's state or the page's own changes. */
  constructor(input: PageInput, onChange: () => void) {
    this.#input = input;
    this.#onChange = onChange;
    this.#ledger = new Ledger(input.call_ids);
    this.#maxInFlight = input.options?.max_in_flight ?? DEFAULT_MAX_IN_FLIGHT;
    const downAfter = input.options?.down_after ?? DEFAULT_DOWN_AFTER;
    this.#health = new EndpointHealth(downAfter);
    this.#roundSize = input.endpoint_proven ? this.#maxInFlight : downAfter;
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
    await this.#makeFirstAttempts();
    this.firstAttemptsDone = true;
    this.#onChange();
    await condition(() => this.#following === 0);
    if (this.#ending) await settleRest(this.#input, this.#ledger, this.#ending);
  }

  exceptions(): CallOutcome[] {
    return this.#ledger.exceptions();
  }

  outcomesOf(page: number): OutcomesPage {
    return { page, pages: 1, outcomes: page === 0 ? this.#ledger.outcomes() : [] };
  }

  runningPages(): [] {
    return [];
  }

  async retryNow(callIds?: readonly string[]): Promise<void> {
    await this.#gate.pass();
    if (this.paused || this.#ending) return;
    if (workflowInfo().historyLength > MAX_HISTORY_FOR_RETRY_NOW) {
      log.warn('retryNow ignored: the history is too long; the calls go on by their schedules');
      return;
    }
    for (const callId of callIds ?? this.#ledger.unsettled()) this.#hurry(callId);
  }

  async pause(): Promise<void> {
    await this.#gate.pass();
    if (this.paused || this.#ending) return;
    this.paused = true;
    this.#callBackPending();
    this.#onChange();
  }

  async resume(): Promise<void> {
    await this.#gate.pass();
    if (!this.paused) return;
    this.paused = false;
    this.#waitingRoom.releaseAll();
    this.#onChange();
  }

  async cancel(): Promise<void> {
    await this.#gate.pass();
    this.#end(CANCELED);
  }

  /** The endpoint answered 410, perhaps to another page of the batch. */
  async endpointGone(): Promise<void> {
    await this.#gate.pass();
    this.#gone();
  }

  #gone(): void {
    this.#health.gone(Date.now());
    this.#end(GONE);
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
    while (this.#hasMore()) {
      await condition(() => this.#mayStart() || !this.#hasMore());
      if (!this.#hasMore()) break;
      if (this.#outlasted < SLOW_AFTER) await this.#expressRound();
      else void this.#attemptFirst(this.#take(1)[0] as string);
    }
    await condition(() => this.#firstInFlight === 0);
  }

  #hasMore(): boolean {
    return !this.#ending && this.#nextCall < this.#input.call_ids.length;
  }

  #take(count: number): string[] {
    const from = this.#nextCall;
    this.#nextCall = Math.min(from + count, this.#input.call_ids.length);
    return this.#input.call_ids.slice(from, this.#nextCall);
  }

  /** A paused page starts nothing. A down endpoint is left to the calls already tried; when none is left, to new ones. */
  #mayStart(): boolean {
    if (this.paused || this.#firstInFlight >= this.#maxInFlight) return false;
    return this.#health.state !== 'down' || this.#firstInFlight + this.#following === 0;
  }

  /** First attempts as local activities. What they brought is looked at when all have ended, in the order of the request. */
  async #expressRound(): Promise<void> {
    const callIds = this.#take(this.#health.state === 'down' ? 1 : Math.min(this.#roundSize, this.#freePlaces));
    this.#roundSize *= 2;
    this.#gate.close();
    // No promise but the activity's own for each call: their bookkeeping is what a workflow's CPU time goes into.
    const executions = await Promise.allSettled(callIds.map((callId) => deliverExpress(this.#deliveryOf(callId))));
    const ends = executions.map(endOf);
    const unsettled = callIds.flatMap((callId, index) => {
      const end = ends[index] as AttemptEnd;
      this.#observe(end);
      return this.#settle(callId, end) ? [] : [{ callId, end }];
    });
    this.#gate.open();
    if (ends.filter(isSlow).length * 2 > ends.length) this.#outlasted = SLOW_AFTER;
    for (const { callId, end } of unsettled) void this.#goOn(callId, end);
  }

  get #freePlaces(): number {
    return this.#maxInFlight - this.#firstInFlight;
  }

  /** An express attempt that brought no outcome yet is taken over by the durable lane, and keeps its place until it has one. */
  #goOn(callId: string, end: AttemptEnd): Promise<void> {
    if (end.kind === 'in_flight') this.#outlasted += 1;
    return end.kind === 'in_flight' || end.kind === 'not_made' ? this.#attemptFirst(callId) : this.#follow(callId, end);
  }

  async #attemptFirst(callId: string): Promise<void> {
    this.#firstInFlight += 1;
    const end = await this.#durably(callId, deliverFirst);
    this.#firstInFlight -= 1;
    await this.#follow(callId, end);
  }

  /** Later attempts, until the call is settled or the page ends. */
  async #follow(callId: string, first: AttemptEnd): Promise<void> {
    this.#following += 1;
    for (let end = first; !this.#settle(callId, end) && !this.#ending; ) {
      const tried = end.kind === 'retry' || this.#ledger.statusOf(callId) === 'retrying';
      if (tried) this.#ledger.set(callId, 'retrying');
      if ('delayMs' in end && end.delayMs > 0) await this.#waitingRoom.wait(callId, end.delayMs);
      await this.#mayGoOn();
      if (this.#ending) break;
      end = await this.#durably(callId, tried ? deliverRetrying : deliverFirst);
    }
    this.#following -= 1;
  }

  async #mayGoOn(): Promise<void> {
    await this.#gate.pass();
    while (this.paused) {
      await condition(() => !this.paused);
      await this.#gate.pass();
    }
  }

  async #durably(callId: string, lane: DurableLane): Promise<AttemptEnd> {
    const scope = new CancellationScope({ cancellable: true });
    this.#pending.set(callId, scope);
    const [execution] = await Promise.allSettled([scope.run(() => lane(this.#deliveryOf(callId), this.#input))]);
    const end = endOf(execution);
    this.#pending.delete(callId);
    await this.#gate.pass();
    this.#observe(end);
    return end;
  }

  #observe(end: AttemptEnd): void {
    const before = this.#health.state;
    if (end.kind === 'delivered') this.#health.succeeded();
    if (end.kind === 'retry') this.#health.failed(end.endpointFailed, Date.now());
    if (end.kind === 'failed' && end.gone) this.#gone();
    else if (before !== this.#health.state) this.#onChange();
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

const isSlow = (end: AttemptEnd): boolean => end.kind === 'delivered' && end.responseTimeMs >= SLOW_RESPONSE_MS;
