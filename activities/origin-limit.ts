/** Who can expect a place within this time waits for it here: one that is sent away comes back after a timer of Temporal's, a second later. */
const MAX_WAIT_MS = 150;
/** Callers who wait, at all origins: each holds a slot that attempts at other origins need. */
export const MAX_WAITING = 300;
/** A busy caller waits at least this long, so that a full origin is not asked for in a loop. */
const MIN_RETRY_MS = 200;
/** And at most this long: an origin that has become fast again is used soon. */
const MAX_RETRY_MS = 15_000;
/** How long an attempt takes while none has ended yet: short, since what is promised by it stands when the first has ended. */
const ASSUMED_DURATION_MS = 200;
/** An origin whose requests take longer is slow: no workflow task waits for them. */
const SLOW_MS = 250;
/** Weight of the newest attempt in moving averages. */
const NEWEST_WEIGHT = 0.2;

/** A place at an origin. */
export interface Place {
  /** The request is being sent. */
  begin(): void;
  /** Gives the place back; repeating it does nothing. Takes how long the request took in milliseconds, or nothing if none was made. */
  leave(requestMs?: number): void;
}

/** No place is free, or will be soon. */
export interface Busy {
  busy: true;
  /** Milliseconds after which a place is likely to be free for this caller. */
  retry_in_ms: number;
}

interface OriginState {
  inFlight: number;
  /** When a place was given back last; before that, when the first was taken. */
  lastLeftAt: number;
  /** When the last free place was taken: after every one that was given back, where none is free now. */
  fullSince: number;
  /** When requests in flight began, the oldest first. */
  begun: Map<Place, number>;
  /** Moving averages over attempts that have ended; undefined until one has. How long its request took, and how long it held its place. */
  requestMs: number | undefined;
  heldMs: number | undefined;
  /** Up to this time the places that will become free are promised to busy callers. */
  promisedUntil: number;
  /** Callers who wait here, the first one first; each takes the place that becomes free. */
  waiting: Set<(place: Place) => void>;
}

/**
 * Bounds the attempts in flight to each origin of a user. A full origin of `limit` places that are held for `d` ms each frees one every
 * `d / limit` ms. Who would have to wait for longer than 150 ms gives its activity slot back, and comes again: busy callers are promised
 * these moments one after the other, so that they do not return as a herd. An origin without attempts in flight is forgotten.
 */
export class OriginLimit {
  readonly #limit: number;
  readonly #origins = new Map<string, OriginState>();
  #waiting = 0;

  /** `limit`: attempts in flight to one origin. */
  constructor({ limit }: { limit: number }) {
    this.#limit = limit;
  }

  /** Origins that have attempts in flight. */
  get size(): number {
    return this.#origins.size;
  }

  /** Takes a place at an origin, waits up to 150 ms for one, or says when to come again. */
  async enter(origin: string): Promise<Place | Busy> {
    const state = this.#stateOf(origin);
    if (state.inFlight < this.#limit) return this.#take(origin, state);
    const place = this.#mayWait(state) ? await this.#wait(state) : undefined;
    return place ?? { busy: true, retry_in_ms: this.#promise(state) };
  }

  /** Not at an origin that gives no place back, whatever it did before: all of its callers would wait in vain. */
  #mayWait({ waiting, heldMs = 0, fullSince }: OriginState): boolean {
    if (this.#waiting >= MAX_WAITING || performance.now() - fullSince > MAX_WAIT_MS) return false;
    return ((waiting.size + 1) * heldMs) / this.#limit <= MAX_WAIT_MS;
  }

  /** The next place that becomes free after those that others wait for; undefined where that takes too long. */
  #wait({ waiting }: OriginState): Promise<Place | undefined> {
    this.#waiting += 1;
    return new Promise((resolve) => {
      const end = (place?: Place) => {
        clearTimeout(timer);
        waiting.delete(end);
        this.#waiting -= 1;
        resolve(place);
      };
      const timer = setTimeout(end, MAX_WAIT_MS);
      waiting.add(end);
    });
  }

  /** Whether requests to it take longer than 250 ms on average, or one that is in flight has. */
  isSlow(origin: string): boolean {
    const state = this.#origins.get(origin);
    if (!state) return false;
    if (state.requestMs !== undefined && state.requestMs > SLOW_MS) return true;
    const oldest = state.begun.values().next();
    return !oldest.done && performance.now() - oldest.value > SLOW_MS;
  }

  #stateOf(origin: string): OriginState {
    const known = this.#origins.get(origin);
    if (known) return known;
    const state: OriginState = {
      inFlight: 0,
      lastLeftAt: performance.now(),
      fullSince: 0,
      begun: new Map(),
      requestMs: undefined,
      heldMs: undefined,
      promisedUntil: 0,
      waiting: new Set(),
    };
    this.#origins.set(origin, state);
    return state;
  }

  #take(origin: string, state: OriginState): Place {
    state.inFlight += 1;
    const takenAt = performance.now();
    if (state.inFlight === this.#limit) state.fullSince = takenAt;
    let left = false;
    const place: Place = {
      begin: () => {
        if (!left) state.begun.set(place, performance.now());
      },
      leave: (requestMs) => {
        if (left) return;
        left = true;
        state.begun.delete(place);
        if (requestMs !== undefined) {
          state.requestMs = average(state.requestMs, requestMs);
          state.heldMs = average(state.heldMs, performance.now() - takenAt);
        }
        this.#leave(origin, state);
      },
    };
    return place;
  }

  /** The next moment at which a place is expected to become free, in milliseconds from now. */
  #promise(state: OriginState): number {
    const now = performance.now();
    // While nothing has ended, attempts take at least as long as the first has taken.
    const held = state.heldMs ?? Math.max(ASSUMED_DURATION_MS, now - state.lastLeftAt);
    const next = Math.max(now, state.promisedUntil) + held / this.#limit;
    // Past the longest wait the promises start over in its second half: callers come too early, but never all at once.
    state.promisedUntil = next - now > MAX_RETRY_MS ? now + MAX_RETRY_MS / 2 : next;
    return Math.max(MIN_RETRY_MS, Math.round(state.promisedUntil - now));
  }

  #leave(origin: string, state: OriginState): void {
    state.inFlight -= 1;
    state.lastLeftAt = performance.now();
    const [first] = state.waiting;
    if (first) first(this.#take(origin, state));
    else if (state.inFlight === 0) this.#origins.delete(origin);
  }
}

const average = (before: number | undefined, newest: number): number =>
  newest * NEWEST_WEIGHT + (before ?? newest) * (1 - NEWEST_WEIGHT);
