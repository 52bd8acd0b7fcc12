/** Attempts in flight to one endpoint in one process, unless the operator says otherwise. */
export const DEFAULT_ENDPOINT_LIMIT = 100;
/** A busy caller waits at least this long, so that a full endpoint is not asked for in a loop. */
const MIN_RETRY_MS = 200;
/** And at most this long: an endpoint that has become fast again is used soon. */
const MAX_RETRY_MS = 15_000;
/** How long an attempt takes while none has ended yet: short, since what is promised by it stands when the first has ended. */
const ASSUMED_DURATION_MS = 200;
/** Weight of the newest attempt in the moving average of durations. */
const NEWEST_WEIGHT = 0.2;

/** A place at an endpoint. */
export interface Place {
  /** Gives the place back; repeating it does nothing. Takes how long the request took, or nothing if none was made. */
  leave(durationMs?: number): void;
}

/** No place is free. */
export interface Busy {
  busy: true;
  /** Milliseconds after which a place is likely to be free for this caller. */
  retry_in_ms: number;
}

interface EndpointState {
  inFlight: number;
  firstEnteredAt: number;
  /** Exponentially weighted moving average; undefined until an attempt has ended. */
  durationMs: number | undefined;
  /** Up to this time the places that will become free are promised to busy callers. */
  promisedUntil: number;
}

export interface EndpointLimitOptions {
  /** Attempts in flight to one endpoint. Default {@link DEFAULT_ENDPOINT_LIMIT}. */
  limit?: number;
  /** A monotonic clock in milliseconds. */
  now?: () => number;
}

/**
 * Bounds the attempts in flight to each endpoint without ever queueing: whoever finds no place gives its activity slot back
 * and comes again. A full endpoint of `limit` places and attempts of `d` ms frees one every `d / limit` ms, so busy callers
 * are promised these moments one after the other and do not return as a herd. An endpoint without attempts in flight is forgotten.
 */
export class EndpointLimit {
  readonly #limit: number;
  readonly #now: () => number;
  readonly #endpoints = new Map<string, EndpointState>();

  constructor({ limit = DEFAULT_ENDPOINT_LIMIT, now = () => performance.now() }: EndpointLimitOptions = {}) {
    this.#limit = limit;
    this.#now = now;
  }

  /** Endpoints that have attempts in flight. */
  get size(): number {
    return this.#endpoints.size;
  }

  /** Takes a place at an endpoint, or says when to come again. */
  enter(endpoint: string): Place | Busy {
    const state = this.#stateOf(endpoint);
    if (state.inFlight >= this.#limit) return { busy: true, retry_in_ms: this.#promise(state) };
    state.inFlight += 1;
    let left = false;
    const leave = (durationMs?: number): void => {
      if (left) return;
      left = true;
      this.#leave(endpoint, state, durationMs);
    };
    return { leave };
  }

  #stateOf(endpoint: string): EndpointState {
    const known = this.#endpoints.get(endpoint);
    if (known) return known;
    const state = { inFlight: 0, firstEnteredAt: this.#now(), durationMs: undefined, promisedUntil: 0 };
    this.#endpoints.set(endpoint, state);
    return state;
  }

  /** The next moment at which a place is expected to become free, in milliseconds from now. */
  #promise(state: EndpointState): number {
    const now = this.#now();
    // While nothing has ended, attempts take at least as long as the oldest has taken.
    const duration = state.durationMs ?? Math.max(ASSUMED_DURATION_MS, now - state.firstEnteredAt);
    const next = Math.max(now, state.promisedUntil) + duration / this.#limit;
    // Past the longest wait the promises start over in its second half: callers come too early, but never all at once.
    state.promisedUntil = next - now > MAX_RETRY_MS ? now + MAX_RETRY_MS / 2 : next;
    return Math.max(MIN_RETRY_MS, Math.round(state.promisedUntil - now));
  }

  #leave(endpoint: string, state: EndpointState, durationMs: number | undefined): void {
    state.inFlight -= 1;
    if (state.inFlight === 0) this.#endpoints.delete(endpoint);
    if (durationMs === undefined) return;
    state.durationMs = durationMs * NEWEST_WEIGHT + (state.durationMs ?? durationMs) * (1 - NEWEST_WEIGHT);
  }
}
