import type { BatchRequest } from '../contract/batch.js';
import type { CallStanding, DeliveryEnd, EndpointRef, RegisteredPart, RegisterPart } from '../contract/delivery.js';
import type { FailureType } from '../contract/failures.js';
import { PAGE_SIZE } from '../contract/limits.js';
import { Batch, type Call, type CallState, type Route } from './batch.js';
import { Endpoint } from './endpoint.js';
import { Gate } from './gate.js';

/** Failures of a call source in a row that are taken for its absence, and not for a fault of single calls. */
const SOURCE_TOLERANCE = 10;
/** Temporal's timers are no finer. */
const TIMER_GRID_MS = 500;

/** Attempts that have begun together, and the registration beside them. */
export interface Round {
  calls: readonly Call[];
  parts: readonly RegisterPart[];
}

/** Every call of a workflow, and where it stands. Times are milliseconds since the epoch; nothing here has a clock of its own. */
export class Book {
  readonly batches: readonly Batch[];
  /** By user and key. */
  readonly endpoints = new Map<string, Endpoint>();
  /** Calls that wait for a time, a store or a source. */
  readonly waiting = new Set<Call>();
  /** Those under way, in the order of their beginning. */
  readonly rounds: (Round & { begunAt: number })[] = [];
  /** Calls whose attempt or whose reading goes on in a worker process. */
  readonly elsewhere = new Set<Call>();
  /** How many of them are only being read. */
  reading = 0;
  /** Endpoints that have gone down since that was last recorded. */
  readonly fallenEndpoints = new Set<Endpoint>();
  readonly store = new Gate();
  readonly source = new Gate(SOURCE_TOLERANCE);
  readonly #byId: ReadonlyMap<string, Batch>;

  constructor(requests: readonly BatchRequest[], acceptedAt: number) {
    let places = 0;
    this.batches = requests.map((request) => {
      const batch = new Batch(request, acceptedAt, places);
      places += batch.calls.length;
      return batch;
    });
    this.#byId = new Map(this.batches.map((batch) => [batch.id, batch]));
  }

  /** The batches that an order or a question means: all without an ID, none for an ID that is not held here. */
  addressed(batchId: string | undefined): readonly Batch[] {
    if (batchId === undefined) return this.batches;
    const batch = this.#byId.get(batchId);
    return batch ? [batch] : [];
  }

  get allSettled(): boolean {
    return this.batches.every(({ unsettled }) => unsettled === 0);
  }

  /** Something is to be written to the store that others wait for, or that a reset must not lose. */
  get hasUnrecorded(): boolean {
    return this.fallenEndpoints.size > 0 || this.batches.some(({ unrecorded }) => unrecorded);
  }

  /** What is to be registered next: at most 500 calls, in the order of acceptance; nothing while others are being registered. */
  unregistered(): RegisterPart[] {
    const parts: RegisterPart[] = [];
    if (this.rounds.some(({ parts: [asked] }) => asked)) return parts;
    let room = PAGE_SIZE;
    for (const { base, calls, registered } of this.batches) {
      if (room === 0) break;
      if (registered === calls.length) continue;
      const call_ids = calls.slice(registered, registered + room).map(({ id }) => id);
      parts.push({ ...base, call_ids, offset: registered, total: calls.length });
      room -= call_ids.length;
    }
    return parts;
  }

  /** A part of so many calls is registered, anew or for the first time; of none: what the store knows of the batch has been read. */
  registered(part: RegisteredPart, size: number, horizonMs: number, now: number): void {
    const [batch] = this.addressed(part.batch_id);
    if (!batch) return;
    this.adopt(part, horizonMs);
    const standings = new Map(part.standings);
    const calls = batch.calls.slice(part.offset, part.offset + size);
    const routes = part.endpoints.map((ref) => batch.routeTo(this.endpointOf(batch.base.user_id, ref)));
    calls.forEach((call, index) => {
      const place = typeof part.endpoint_of === 'number' ? part.endpoint_of : part.endpoint_of[index];
      call.route = routes[place ?? -1];
      this.#enter(call, standings.get(index), now);
    });
    batch.registered = Math.max(batch.registered, part.offset + calls.length);
    this.#finishIfDone(batch, now);
  }

  /** What the store knows of a batch's acceptance and pauses, which a reset would else lose. */
  adopt(part: RegisteredPart, horizonMs: number): void {
    const [batch] = this.addressed(part.batch_id);
    if (!batch) return;
    batch.acceptedAt = part.accepted_at;
    batch.horizonMs = horizonMs;
    batch.pausedMs = Math.max(batch.pausedMs, part.paused_ms);
    // What this run was ordered and has not recorded yet is newer.
    if (part.paused_since === null || part.offset > 0 || (batch.unrecorded && !batch.isPaused)) return;
    batch.pausedSince = Math.min(batch.pausedSince ?? part.paused_since, part.paused_since);
  }

  #enter(call: Call, standing: CallStanding | undefined, now: number): void {
    if (standing) this.#stands(call, standing, now);
    else if (call.state === 'unregistered') this.become(call, 'untried');
  }

  endpointOf(userId: string, ref: EndpointRef): Endpoint {
    const id = `${userId}\n${ref.key}`;
    const known = this.endpoints.get(id);
    if (known) return known;
    const endpoint = new Endpoint(userId, ref);
    this.endpoints.set(id, endpoint);
    return endpoint;
  }

  /** An attempt of each of its calls is to be made now. */
  begin(round: Round, now: number): void {
    this.rounds.push({ ...round, begunAt: now });
    for (const call of round.calls) {
      this.become(call, 'trying');
      if (call.route) call.route.endpoint.lastTriedAt = now;
    }
  }

  /** What the round that began first has brought, in the order of its calls. */
  endRound(ends: readonly DeliveryEnd[], now: number): void {
    const round = this.rounds.shift();
    round?.calls.forEach((call, index) => {
      this.record(call, ends[index] as DeliveryEnd, now, round.begunAt);
    });
  }

  /** What became of an attempt, in a round or under a watch. */
  record(call: Call, end: DeliveryEnd, now: number, askedAt = now): void {
    if (call.state === 'settled') return;
    if (toldByStore(end)) this.store.answered(askedAt);
    this.#noteSource(call, end, now);
    if (ENDS_ORDER[end.kind]) call.ordered = false;
    switch (end.kind) {
      case 'delivered':
        this.#endpointAnswered(call);
        this.#settle(call, null, now);
        break;
      case 'failed':
        this.#noteFailure(call, end.error, end.endpoint_failed, now);
        this.#settle(call, end.error, now);
        break;
      case 'canceled':
      case 'rejected':
        this.#settle(call, end.error, now);
        break;
      case 'retry':
        call.batch.change(call, () => {
          call.attempts += 1;
        });
        call.answer = end.answer;
        if (end.endpoint_failed) this.#endpointFailed(call, now);
        else this.#endpointAnswered(call);
        this.#wait(call, now, end.due_in);
        break;
      case 'unread':
        call.unread = true;
        this.#wait(call, now, end.due_in);
        break;
      case 'too_early':
      case 'busy':
        this.#wait(call, now, end.due_in);
        break;
      case 'slow':
      case 'reading':
        this.become(call, end.kind);
        break;
      case 'read':
      case 'interrupted':
        this.#wait(call, now);
        break;
      case 'store_away':
        this.store.failed(now);
        this.#wait(call, now);
        break;
    }
  }

  /** Calls to be watched that no watch looks after: those that are watched for the first time, or all the others. */
  unwatched(kind: 'fresh' | 'long'): Call[] {
    return [...this.elsewhere].filter(({ watched, watches }) => !watched && (watches === 0) === (kind === 'fresh'));
  }

  /** A watch has returned: what it did not bring is looked after by the next one. */
  watchEnded(calls: readonly Call[], ends: readonly [Call, DeliveryEnd][], now: number): void {
    for (const call of calls) {
      call.watched = false;
      call.watches += 1;
    }
    for (const [call, end] of ends) if (this.elsewhere.has(call)) this.record(call, end, now);
  }

  /** The store has the last word on a call that was to be settled. */
  settled(call: Call, error: FailureType, standing: CallStanding | undefined, now: number): void {
    this.store.answered(now);
    if (standing) this.#stands(call, standing, now);
    else this.#settle(call, error, now);
  }

  /** A waiting call is to be tried now; any other is left alone. */
  hurry(call: Call, now: number, ordered: boolean): void {
    if (call.state !== 'waiting') return;
    call.due = Math.min(call.due, now);
    call.ordered ||= ordered;
  }

  #stands(call: Call, standing: CallStanding, now: number): void {
    switch (standing.status) {
      case 'delivered':
        this.#settle(call, null, now);
        break;
      case 'failed':
      case 'canceled':
      case 'rejected':
        this.#settle(call, standing.error, now);
        break;
      case 'retrying':
        call.batch.change(call, () => {
          call.attempts = Math.max(call.attempts, 1);
        });
        this.#wait(call, now, standing.due_in);
        break;
      case 'in_flight':
        this.become(call, 'slow');
        break;
    }
  }

  #wait(call: Call, now: number, delay = 0): void {
    this.become(call, 'waiting');
    call.due = delay > 0 ? onGrid(now + delay, delay) : now;
  }

  #settle(call: Call, error: FailureType | null, now: number): void {
    if (error === 'EndpointGone' && call.route) this.#gone(call.route, now);
    this.become(call, 'settled', error);
    this.#finishIfDone(call.batch, now);
  }

  #gone(route: Route, now: number): void {
    route.goneSince ??= now;
    route.batch.hasGoneCalls = true;
  }

  #finishIfDone(batch: Batch, now: number): void {
    if (batch.unsettled > 0 || batch.finishedAt !== null) return;
    batch.finishedAt = now;
    batch.unrecorded = true;
  }

  #noteFailure(call: Call, error: FailureType, endpointFailed: boolean | undefined, now: number): void {
    if (error === 'EndpointGone') call.route?.endpoint.succeeded();
    else if (endpointFailed !== undefined)
      endpointFailed ? this.#endpointFailed(call, now) : this.#endpointAnswered(call);
  }

  #endpointFailed({ route, batch }: Call, now: number): void {
    if (!route) return;
    const { endpoint } = route;
    const wasDown = endpoint.isDown;
    endpoint.failed(now, batch.downAfter);
    if (endpoint.isDown && !wasDown) this.fallenEndpoints.add(endpoint);
  }

  #endpointAnswered({ route }: Call): void {
    if (!route) return;
    this.fallenEndpoints.delete(route.endpoint);
    route.endpoint.succeeded();
  }

  /** Only calls that have no text to send yet say something about the source. */
  #noteSource(call: Call, end: DeliveryEnd, now: number): void {
    if (end.kind === 'unread' && end.source_away) this.source.failed(now);
    else if (call.attempts === 0 && call.route && TELLS_OF_SOURCE[end.kind]) this.source.answered(now);
  }

  /** The one place where a call's state changes: counts, places and sets follow. */
  become(call: Call, state: CallState, error: FailureType | null = null): void {
    const { route } = call;
    if (route) {
      const places = Number(HOLDS_PLACE[state]) - Number(HOLDS_PLACE[call.state]);
      route.inFlight += places;
      route.endpoint.inFlight += places;
      route.unsettled += Number(IS_HELD[state]) - Number(IS_HELD[call.state]);
      if (state === 'untried') route.untried.push(call);
      if (route.goneSince !== null && state !== 'settled') call.batch.hasGoneCalls = true;
    }
    this.reading += Number(state === 'reading') - Number(call.state === 'reading');
    call.batch.change(call, () => {
      call.state = state;
      call.error = error;
    });
    if (state === 'waiting') this.waiting.add(call);
    else this.waiting.delete(call);
    if (state === 'slow' || state === 'reading') this.#goElsewhere(call);
    else this.elsewhere.delete(call);
  }

  #goElsewhere(call: Call): void {
    if (this.elsewhere.has(call)) return;
    call.watched = false;
    call.watches = 0;
    this.elsewhere.add(call);
  }
}

/** Calls that are due at about the same time share a timer, and so its history events: within half a second, or a hundredth of their delay. */
const GRIDS_MS = [60_000, 30_000, 10_000, 5_000, 2_000, 1_000] as const;

function onGrid(due: number, delay: number): number {
  const grid = GRIDS_MS.find((ms) => ms <= delay / 100) ?? TIMER_GRID_MS;
  return Math.ceil(due / grid) * grid;
}

/** Attempts in flight; a call that is only being read holds no place of an endpoint. */
const HOLDS_PLACE: Record<CallState, boolean> = {
  unregistered: false,
  untried: false,
  waiting: false,
  trying: true,
  slow: true,
  reading: false,
  settled: false,
};

/** Calls that have a row and are not settled. */
const IS_HELD: Record<CallState, boolean> = {
  unregistered: false,
  untried: true,
  waiting: true,
  trying: true,
  slow: true,
  reading: true,
  settled: false,
};

/** Where no attempt was made an order stands, but for one that may not be made yet. */
const ENDS_ORDER: Record<DeliveryEnd['kind'], boolean> = {
  delivered: true,
  retry: true,
  failed: true,
  canceled: true,
  rejected: true,
  too_early: true,
  busy: false,
  unread: false,
  slow: true,
  reading: false,
  read: false,
  interrupted: false,
  store_away: false,
};

/** Where a process has no place for an attempt, or waits for it to be opened, the store has not answered. */
const toldByStore = (end: DeliveryEnd): boolean =>
  end.kind !== 'store_away' && end.kind !== 'busy' && !(end.kind === 'slow' && end.unopened);

/** Whether the call source has answered, as far as this call is concerned. */
const TELLS_OF_SOURCE: Record<DeliveryEnd['kind'], boolean> = {
  delivered: true,
  retry: true,
  failed: true,
  canceled: false,
  rejected: true,
  too_early: false,
  busy: false,
  unread: true,
  slow: false,
  reading: false,
  read: true,
  interrupted: false,
  store_away: false,
};
