import type { BatchBase, BatchRequest, CallStatus, Counts } from '../contract/batch.js';
import { exactly } from '../contract/exactly.js';
import { type FailureType, REJECTIONS } from '../contract/failures.js';
import { DEFAULT_DOWN_AFTER, DEFAULT_MAX_IN_FLIGHT } from '../contract/limits.js';
import type { Endpoint } from './endpoint.js';

/**
 * Where an unsettled call is. `unregistered`: it has no row yet. `untried`: it waits for its turn. `waiting`: for a time. `trying`: in
 * a round under way. `slow`: its attempt outlasted its local activity. `reading`: its record is still being read, and no attempt was made.
 */
export type CallState = 'unregistered' | 'untried' | 'waiting' | 'trying' | 'slow' | 'reading' | 'settled';

export interface Call {
  readonly id: string;
  readonly batch: Batch;
  /** Its place in the book: calls that are due at the same time keep the order of their acceptance. */
  readonly place: number;
  route: Route | undefined;
  state: CallState;
  /** Of a waiting call: milliseconds since the epoch. */
  due: number;
  /** Attempts that ended without settling it. */
  attempts: number;
  /** What its last attempt brought, for people, where that is known. */
  answer: string | undefined;
  /** Somebody wants it to be tried before its time. */
  ordered: boolean;
  /** Its record could not be read when it was last asked for. */
  unread: boolean;
  /** A watch that has not returned yet looks after it. */
  watched: boolean;
  /** How often a watch has returned without its end. */
  watches: number;
  /** Of a settled call; null: delivered. */
  error: FailureType | null;
}

/** The calls of one batch to one endpoint. */
export interface Route {
  readonly batch: Batch;
  readonly endpoint: Endpoint;
  readonly untried: Call[];
  /** Places of `untried` that are used up. */
  untriedFrom: number;
  inFlight: number;
  /** Calls with a row that are not settled. */
  unsettled: number;
  /** Since when the endpoint is gone (HTTP 410) for this batch. */
  goneSince: number | null;
}

/** One accepted request, and where its calls stand. */
export class Batch {
  readonly base: BatchBase;
  readonly calls: readonly Call[];
  readonly maxInFlight: number;
  readonly downAfter: number;
  /** By the endpoint's key. */
  readonly routes = new Map<string, Route>();
  /** How many calls are registered; always the first ones. */
  registered = 0;
  /** Milliseconds since the epoch. */
  acceptedAt: number;
  horizonMs = Number.POSITIVE_INFINITY;
  pausedSince: number | null = null;
  pausedMs = 0;
  canceling = false;
  /** An endpoint of it is gone, and calls to it may not be settled yet. */
  hasGoneCalls = false;
  finishedAt: number | null = null;
  /** Something of it is not recorded in the store yet that must not be lost, or that others wait for. */
  unrecorded = false;
  readonly #tally: Record<CallStatus, number>;
  #byId: ReadonlyMap<string, Call> | undefined;

  constructor({ call_ids, options = {}, ...base }: BatchRequest, acceptedAt: number, firstPlace: number) {
    const { max_in_flight = DEFAULT_MAX_IN_FLIGHT, down_after = DEFAULT_DOWN_AFTER, ...unused } = options;
    // An option that no one takes does not compile.
    exactly<object>()(unused);
    this.base = exactly<BatchBase>()(base);
    this.acceptedAt = acceptedAt;
    this.maxInFlight = max_in_flight;
    this.downAfter = down_after;
    this.calls = call_ids.map((id, place) => newCall(id, this, firstPlace + place));
    this.#tally = { pending: call_ids.length, retrying: 0, delivered: 0, failed: 0, canceled: 0, rejected: 0 };
  }

  get id(): string {
    return this.base.batch_id;
  }

  /** Undefined for a call that is not in the batch. */
  call(id: string): Call | undefined {
    this.#byId ??= new Map(this.calls.map((call) => [call.id, call]));
    return this.#byId.get(id);
  }

  get counts(): Counts {
    return { total: this.calls.length, ...this.#tally };
  }

  get unsettled(): number {
    return this.#tally.pending + this.#tally.retrying;
  }

  get isPaused(): boolean {
    return this.pausedSince !== null;
  }

  /** When nothing of it is tried any more: a pause keeps the clock still. */
  get horizonAt(): number {
    return this.isPaused ? Number.POSITIVE_INFINITY : this.acceptedAt + this.horizonMs + this.pausedMs;
  }

  /** Keeps the counts right over a change of the call. */
  change(call: Call, change: (call: Call) => void): void {
    this.#tally[statusOf(call)] -= 1;
    change(call);
    this.#tally[statusOf(call)] += 1;
  }

  routeTo(endpoint: Endpoint): Route {
    const known = this.routes.get(endpoint.ref.key);
    if (known) return known;
    endpoint.leastDownAfter = Math.min(endpoint.leastDownAfter, this.downAfter);
    const route: Route = {
      batch: this,
      endpoint,
      untried: [],
      untriedFrom: 0,
      inFlight: 0,
      unsettled: 0,
      goneSince: null,
    };
    this.routes.set(endpoint.ref.key, route);
    return route;
  }
}

const newCall = (id: string, batch: Batch, place: number): Call => ({
  id,
  batch,
  place,
  route: undefined,
  state: 'unregistered',
  due: 0,
  attempts: 0,
  answer: undefined,
  ordered: false,
  unread: false,
  watched: false,
  watches: 0,
  error: null,
});

/** Where the call stands for those who ask. */
export function statusOf({ state, attempts, error }: Call): CallStatus {
  if (state !== 'settled') return attempts > 0 ? 'retrying' : 'pending';
  return error === null ? 'delivered' : statusOfError(error);
}

function statusOfError(error: FailureType): 'rejected' | 'canceled' | 'failed' {
  if ((REJECTIONS as readonly FailureType[]).includes(error)) return 'rejected';
  return error === 'BatchCanceled' || error === 'BatchPruned' ? 'canceled' : 'failed';
}
