import type { Call, Route } from './batch.js';
import type { Book } from './book.js';
import type { Endpoint } from './endpoint.js';

/** Attempts of one round: local activities that run together, for which the worker has places. */
export const ROUND_SIZE = 100;
/** Of what a batch may have in flight to an endpoint a round takes a half, rounded up: the rest is the next round's. */
const SHARE_OF_ROUND = 0.5;
/** Attempts that may go on outside of rounds, however many endpoints are slow. */
export const MAX_ELSEWHERE = 1_000;
/** Calls that are being read at once. Sources that hang answer for some calls: the others go on, as long as these are not that many. */
const MAX_READING = 500;
/** An untried call probes a down endpoint when nothing has been sent there for so long: calls that were tried before go first. */
export const IDLE_PROBE_MS = 60_000;
/** The same where no call waits that was tried before. */
export const LONE_PROBE_MS = 5_000;

/** The calls of which an attempt is to be made now, and takes no more than there are places: pauses, endpoints and gates decide. */
export function dueCalls(book: Book, now: number): Call[] {
  return new RoundFiller(book, now).fill();
}

/** When something becomes due by itself, after now; Infinity when nothing does. What has no place waits for no time, but for an end. */
export function nextDue(book: Book, now: number): number {
  const { store, source } = book;
  if (!store.isOpen && store.opensAt > now) return store.opensAt;
  let next = source.opensAt > now ? source.opensAt : Number.POSITIVE_INFINITY;
  for (const time of times(book)) if (time > now && time < next) next = time;
  return next;
}

function* times(book: Book): Generator<number> {
  const tried = triedEndpoints(book);
  for (const { due, batch, route, attempts } of book.waiting) {
    if (batch.isPaused) continue;
    yield due;
    if (attempts === 0 && route && isDown(route)) yield nextProbe(route.endpoint, tried);
  }
  for (const batch of book.batches) {
    if (batch.unsettled === 0 || batch.isPaused) continue;
    yield batch.horizonAt;
    for (const route of batch.routes.values()) {
      if (isDown(route) && hasUntried(route)) yield nextProbe(route.endpoint, tried);
    }
  }
}

const nextProbe = (endpoint: Endpoint, tried: ReadonlySet<Endpoint>): number =>
  endpoint.lastTriedAt + (tried.has(endpoint) ? IDLE_PROBE_MS : LONE_PROBE_MS);

export const isDown = ({ batch, endpoint }: Route): boolean => endpoint.stateFor(batch.downAfter) === 'down';

class RoundFiller {
  readonly #book: Book;
  readonly #now: number;
  readonly #calls: Call[] = [];
  readonly #size: number;
  #sourcePlaces: number;
  /** Of this round, for limits that count what is in flight. */
  readonly #taken = new Map<Route | Endpoint, number>();
  #tried: Set<Endpoint> | undefined;

  constructor(book: Book, now: number) {
    this.#book = book;
    this.#now = now;
    this.#size = Math.min(ROUND_SIZE, book.store.places(now));
    this.#sourcePlaces = sourcePlaces(book, now);
  }

  fill(): Call[] {
    if (this.#size === 0) return [];
    for (const call of this.#dueWaiting()) if (!this.#add(call)) return this.#calls;
    for (const batch of this.#book.batches) {
      if (batch.isPaused || batch.canceling || batch.unsettled === 0) continue;
      for (const route of batch.routes.values()) if (!this.#addUntried(route)) return this.#calls;
    }
    return this.#calls;
  }

  #dueWaiting(): Call[] {
    const due: Call[] = [];
    for (const call of this.#book.waiting) if (call.due <= this.#now && this.#maySend(call)) due.push(call);
    return due.sort((a, b) => a.due - b.due || a.place - b.place);
  }

  #maySend({ batch, route }: Call): boolean {
    return !batch.isPaused && !batch.canceling && this.#now < batch.horizonAt && route?.goneSince === null;
  }

  /** False when the round is full. */
  #add(call: Call): boolean {
    const { route } = call;
    if (!route || !this.#hasPlace(route) || !this.#mayProbe(call, route) || !this.#hasSource(call)) return true;
    this.#calls.push(call);
    this.#count(route);
    this.#count(route.endpoint);
    return this.#calls.length < this.#size;
  }

  #hasPlace(route: Route): boolean {
    const { batch, endpoint } = route;
    const inFlight = endpoint.inFlight + (this.#taken.get(endpoint) ?? 0);
    if (inFlight >= endpoint.cautiousLimit(batch.downAfter)) return false;
    if (this.#book.elsewhere.size >= MAX_ELSEWHERE && endpoint.inFlight > 0) return false;
    const taken = this.#taken.get(route) ?? 0;
    return taken < batch.maxInFlight * SHARE_OF_ROUND && route.inFlight + taken < batch.maxInFlight;
  }

  /** A call that was never tried goes to a down endpoint only when nothing else is on its way there, or when somebody wants it to. */
  #mayProbe({ attempts, ordered }: Call, route: Route): boolean {
    if (attempts > 0 || ordered || !isDown(route)) return true;
    if (route.endpoint.inFlight > 0 || this.#taken.has(route.endpoint)) return false;
    this.#tried ??= triedEndpoints(this.#book);
    return this.#now >= nextProbe(route.endpoint, this.#tried);
  }

  #count(key: Route | Endpoint): void {
    this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
  }

  /** A call that was never tried may have to be read first. */
  #hasSource({ attempts }: Call): boolean {
    if (attempts > 0) return true;
    if (this.#sourcePlaces === 0) return false;
    this.#sourcePlaces -= 1;
    return true;
  }

  #addUntried(route: Route): boolean {
    if (route.goneSince !== null || this.#now >= route.batch.horizonAt) return true;
    for (const call of nextUntried(route)) {
      const before = this.#calls.length;
      if (!this.#add(call)) return false;
      if (this.#calls.length === before) break;
    }
    return true;
  }
}

/** While any round is under way nobody knows whether it holds the probe of the source: none may pass. */
function sourcePlaces({ source, reading, rounds }: Book, now: number): number {
  if (!source.isOpen && reading + rounds.length > 0) return 0;
  return Math.min(source.places(now), Math.max(0, MAX_READING - reading));
}

function* nextUntried(route: Route): Generator<Call> {
  const { untried } = route;
  while (untried[route.untriedFrom] && untried[route.untriedFrom]?.state !== 'untried') route.untriedFrom += 1;
  for (let at = route.untriedFrom; at < untried.length; at += 1) {
    const call = untried[at];
    if (call?.state === 'untried') yield call;
  }
}

const hasUntried = (route: Route): boolean => !nextUntried(route).next().done;

/** Endpoints that calls will be sent to which were tried before. */
function triedEndpoints(book: Book): Set<Endpoint> {
  const endpoints = new Set<Endpoint>();
  for (const { batch, route, attempts } of book.waiting) {
    if (route && attempts > 0 && !batch.isPaused && !batch.canceling && route.goneSince === null) {
      endpoints.add(route.endpoint);
    }
  }
  return endpoints;
}
