import type { BatchRequest } from '../contract/batch.js';
import type { FailureType } from '../contract/failures.js';
import type { Batch, Call, CallState } from './batch.js';
import { Book } from './book.js';
import type { Endpoint } from './endpoint.js';
import type { Gate } from './gate.js';

/** A book as one run hands it to the next: some ten bytes for each call, whose IDs are in the requests. */
export interface CarriedBook {
  batches: CarriedBatch[];
  endpoints: CarriedEndpoint[];
  /** Places in `endpoints` of those that have gone down, which is not recorded yet. */
  fallen: number[];
  store: Gate['state'];
  source: Gate['state'];
}

interface CarriedBatch {
  accepted_at: number;
  horizon_ms: number | null;
  registered: number;
  paused_since: number | null;
  paused_ms: number;
  canceling: boolean;
  finished_at: number | null;
  unrecorded: boolean;
  /** One letter for each call. */
  calls: string;
  /** Of each registered call: its place in `endpoints`, -1 without one; one number where all are the same. */
  endpoint_of: number | number[];
  /** Of each call that waits, in order: due, in milliseconds after the acceptance. */
  due: number[];
  /** Of each unsettled call that was tried, in order. */
  attempts: number[];
  /** What was answered last, for people: the texts, and of each call that waits the place of its own. Absent where there is none. */
  answers?: [texts: string[], places: number[]];
  /** Places of waiting calls that were ordered, of those that could not be read. */
  ordered: number[];
  unread: number[];
  /** Endpoints (places in `endpoints`) that are gone, and since when. */
  gone: [endpoint: number, since: number][];
}

/**
 * Key, origin, name, the batch whose user it is of, and what is known of it. A resend may have thousands: the usual values are left out at
 * the end.
 */
type CarriedEndpoint = [
  key: string,
  origin: string,
  label: string,
  batch: number,
  answered: boolean,
  failures?: number,
  failingSince?: number | null,
  triedAt?: number,
];

const STATE_LETTERS: Record<Exclude<CallState, 'settled' | 'trying'>, string> = {
  unregistered: 'n',
  untried: 'u',
  waiting: 'w',
  slow: 's',
  reading: 'r',
};
const STATE_OF: Partial<Record<string, CallState>> = Object.fromEntries(
  Object.entries(STATE_LETTERS).map(([state, letter]) => [letter, state as CallState]),
);
const DELIVERED = 'd';
/** Capital letters: none of a state. A letter keeps its meaning for ever, since books are carried from one build to the next. */
const ERROR_LETTERS: Record<FailureType, string> = {
  CallNotFound: 'A',
  WebhookExists: 'B',
  WebhookNotFound: 'C',
  WebhookInProgress: 'D',
  WebhookNotFailed: 'E',
  EndpointGone: 'F',
  ScheduleUsedUp: 'G',
  NeverTried: 'H',
  CallUnreadable: 'I',
  InterruptedRepeatedly: 'J',
  Superseded: 'K',
  BatchEnded: 'L',
  BatchCanceled: 'M',
  BatchPruned: 'N',
  WebhookErased: 'O',
  CallErased: 'P',
};
const ERROR_OF = new Map(Object.entries(ERROR_LETTERS).map(([error, letter]) => [letter, error as FailureType]));

/** Of the answers that people see; many are alike, and rare ones are left out. */
const MAX_ANSWERS = 50;

/** Above so many bytes of names, people see a hash in place of an endpoint's URL. */
const MAX_LABEL_BYTES = 200_000;

/** Nothing may be in a round: the loop carries the book over between two of them. */
export function carry(book: Book): CarriedBook {
  const endpoints = [...book.endpoints.values()];
  const placeOf = new Map(endpoints.map((endpoint, place) => [endpoint, place]));
  const batchOf = new Map(book.batches.map(({ base }, index) => [base.user_id, index]));
  let room = MAX_LABEL_BYTES;
  return {
    batches: book.batches.map((batch) => carryBatch(batch, placeOf)),
    endpoints: endpoints.map((endpoint) => {
      room -= endpoint.ref.label.length;
      return carryEndpoint(endpoint, room > 0, batchOf.get(endpoint.userId) ?? 0);
    }),
    fallen: endpoints.flatMap((endpoint, place) => (book.fallenEndpoints.has(endpoint) ? [place] : [])),
    store: book.store.state,
    source: book.source.state,
  };
}

function carryEndpoint(endpoint: Endpoint, named: boolean, batch: number): CarriedEndpoint {
  const { ref, answered, failures, failingSince, lastTriedAt } = endpoint;
  const head = [ref.key, ref.origin, named ? ref.label : '', batch, answered] as const;
  return failures === 0 && answered ? [...head] : [...head, failures, failingSince, lastTriedAt];
}

function carryBatch(batch: Batch, placeOf: ReadonlyMap<Endpoint, number>): CarriedBatch {
  const { calls } = batch;
  const endpointOf = calls.map(({ route }) => (route ? (placeOf.get(route.endpoint) ?? -1) : -1));
  const placesOf = (is: (call: Call) => boolean) => calls.flatMap((call, place) => (is(call) ? [place] : []));
  return {
    accepted_at: batch.acceptedAt,
    horizon_ms: Number.isFinite(batch.horizonMs) ? batch.horizonMs : null,
    registered: batch.registered,
    paused_since: batch.pausedSince,
    paused_ms: batch.pausedMs,
    canceling: batch.canceling,
    finished_at: batch.finishedAt,
    unrecorded: batch.unrecorded,
    calls: calls.map(letterOf).join(''),
    endpoint_of: endpointOf.every((place) => place === endpointOf[0]) ? (endpointOf[0] ?? -1) : endpointOf,
    due: calls.flatMap(({ state, due }) => (state === 'waiting' ? [due - batch.acceptedAt] : [])),
    attempts: calls.flatMap(({ state, attempts }) => (state === 'settled' ? [] : [attempts])),
    ...carryAnswers(calls),
    ordered: placesOf(({ ordered }) => ordered),
    unread: placesOf(({ unread, state }) => unread && state !== 'settled'),
    gone: [...batch.routes.values()].flatMap(({ endpoint, goneSince }) =>
      goneSince === null ? [] : [[placeOf.get(endpoint) ?? -1, goneSince] as [number, number]],
    ),
  };
}

function carryAnswers(calls: readonly Call[]): Pick<CarriedBatch, 'answers'> {
  const answers = calls.flatMap(({ state, answer }) => (state === 'waiting' ? [answer] : []));
  const texts = [...new Set(answers)].filter((answer) => answer !== undefined).slice(0, MAX_ANSWERS);
  if (texts.length === 0) return {};
  const placeOf = new Map(texts.map((text, place) => [text, place]));
  return { answers: [texts, answers.map((answer = '') => placeOf.get(answer) ?? -1)] };
}

function letterOf({ state, error }: Call): string {
  if (state === 'settled') return error === null ? DELIVERED : ERROR_LETTERS[error];
  if (state === 'trying') throw new Error('a book in the middle of a round cannot be carried over');
  return STATE_LETTERS[state];
}

/** The book as it was carried, for the same requests. */
export function unpack(requests: readonly BatchRequest[], carried: CarriedBook): Book {
  const book = new Book(requests, 0);
  const endpoints = carried.endpoints.map((endpoint) => unpackEndpoint(book, requests, endpoint));
  book.batches.forEach((batch, index) => {
    const known = carried.batches[index];
    if (known) unpackBatch(book, batch, known, endpoints);
  });
  for (const place of carried.fallen) {
    const endpoint = endpoints[place];
    if (endpoint) book.fallenEndpoints.add(endpoint);
  }
  book.store.state = carried.store;
  book.source.state = carried.source;
  return book;
}

function unpackEndpoint(book: Book, requests: readonly BatchRequest[], carried: CarriedEndpoint): Endpoint {
  const [key, origin, label, batch, answered, failures = 0, failingSince = null, triedAt = 0] = carried;
  const endpoint = book.endpointOf(requests[batch]?.user_id ?? '', { key, origin, label: label || key });
  return Object.assign(endpoint, { answered, failures, failingSince, lastTriedAt: triedAt });
}

function unpackBatch(book: Book, batch: Batch, carried: CarriedBatch, endpoints: readonly Endpoint[]): void {
  Object.assign(batch, {
    acceptedAt: carried.accepted_at,
    horizonMs: carried.horizon_ms ?? Number.POSITIVE_INFINITY,
    registered: carried.registered,
    pausedSince: carried.paused_since,
    pausedMs: carried.paused_ms,
    canceling: carried.canceling,
    finishedAt: carried.finished_at,
    unrecorded: carried.unrecorded,
    hasGoneCalls: carried.gone.length > 0,
  });
  const due = carried.due.values();
  const attempts = carried.attempts.values();
  const [texts, places] = carried.answers ?? [[], []];
  const answers = places.map((place) => texts[place]).values();
  batch.calls.forEach((call, place) => {
    const endpoint =
      endpoints[typeof carried.endpoint_of === 'number' ? carried.endpoint_of : (carried.endpoint_of[place] ?? -1)];
    if (endpoint) call.route = batch.routeTo(endpoint);
    unpackCall(book, call, carried.calls[place] ?? '', { due, attempts, answers });
  });
  for (const [place, since] of carried.gone) {
    const endpoint = endpoints[place];
    if (endpoint) batch.routeTo(endpoint).goneSince = since;
  }
  for (const place of carried.ordered) Object.assign(batch.calls[place] ?? {}, { ordered: true });
  for (const place of carried.unread) Object.assign(batch.calls[place] ?? {}, { unread: true });
}

function errorOf(letter: string): FailureType {
  const error = ERROR_OF.get(letter);
  if (error === undefined) throw new Error(`a carried book has a call of the unknown state ${JSON.stringify(letter)}`);
  return error;
}

interface CarriedCalls {
  due: Iterator<number>;
  attempts: Iterator<number>;
  answers: Iterator<string | undefined>;
}

function unpackCall(book: Book, call: Call, letter: string, { due, attempts, answers }: CarriedCalls): void {
  const state = STATE_OF[letter];
  if (state === undefined) {
    book.become(call, 'settled', letter === DELIVERED ? null : errorOf(letter));
    return;
  }
  const tried = attempts.next().value ?? 0;
  call.batch.change(call, () => {
    call.attempts = tried;
  });
  book.become(call, state);
  if (state !== 'waiting') return;
  call.due = call.batch.acceptedAt + (due.next().value ?? 0);
  call.answer = answers.next().value;
}
