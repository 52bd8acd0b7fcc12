import type { BatchRequest, CallOutcome } from '../../contract/batch.js';
import type { DeliveryEnd, EndpointRef, RegisteredPart, RegisterPart } from '../../contract/delivery.js';
import type { Call } from '../../workflows/batch.js';
import { Book, type Round } from '../../workflows/book.js';
import { carry, unpack } from '../../workflows/carry.js';
import { nextStep, ROUNDS_AT_ONCE } from '../../workflows/next-step.js';
import { carryOut, type Order } from '../../workflows/orders.js';
import { outcomesOf } from '../../workflows/report.js';

/** After so many turns of the loop its workflow task ends. */
const TURNS_OF_TASK = 7;

/** Where a book's calls go in a test: how an attempt to an endpoint ends, by its label and the time. */
type Behaviour = (call: Call, endpoint: string, now: number) => DeliveryEnd;

export interface WorldOptions {
  batches: BatchRequest[];
  behaviour: Behaviour;
  horizonMs?: number;
  /** Endpoint of each call. Default: the one of its batch's URL. */
  endpointOf?: (callId: string) => string;
  /** Rounds go on beside each other, as they do in a workflow. Default: the turn that begins one ends it. */
  overlaps?: boolean;
  /** Called with each round, before its attempts are made. */
  onRound?: (calls: readonly Call[], now: number) => void;
}

/** A book with everything around it that a workflow has, but without Temporal: time passes when nothing else is to be done. */
export class World {
  book: Book;
  now = 1_700_000_000_000;
  /** In the order of their attempts. */
  readonly tried: { call: string; at: number }[] = [];
  readonly #options: WorldOptions;
  /** Calls that were asked to be registered. */
  readonly #rows = new Set<string>();
  /** What attempts that are under way will bring, by rounds. */
  readonly #underWay: DeliveryEnd[][] = [];
  #turns = 0;
  readonly #watched: { call: string; batch: string; endsAt: number; end: DeliveryEnd }[] = [];

  constructor(options: WorldOptions) {
    this.#options = options;
    this.book = new Book(options.batches, this.now);
  }

  get outcomes(): CallOutcome[] {
    return this.book.batches.flatMap((batch) =>
      Array.from({ length: Math.ceil(batch.calls.length / 500) }, (_, page) => outcomesOf(batch, page).outcomes).flat(),
    );
  }

  order(order: Order): void {
    carryOut(this.book, order, this.now);
  }

  endRounds(): void {
    while (this.book.rounds.length > 0) this.#endRound();
  }

  /** As a continue-as-new does it: through JSON, and when no round is under way. */
  carryOver(): void {
    this.endRounds();
    this.book = unpack(this.#options.batches, JSON.parse(JSON.stringify(carry(this.book))));
  }

  callNamed(callId: string): Call {
    const call = this.book.batches.flatMap((batch) => batch.call(callId) ?? [])[0];
    if (!call) throw new Error(`no call ${callId}`);
    return call;
  }

  /** Attempts that went on in a worker end; a call's `slow` end says when by `endsIn`. */
  goesOn(call: Call, endsIn: number, end: DeliveryEnd): DeliveryEnd {
    this.#watched.push({ call: call.id, batch: call.batch.id, endsAt: this.now + endsIn, end });
    return { kind: 'slow' };
  }

  /** One turn of the loop. False when there is nothing to do and nothing to wait for. */
  turn(): boolean {
    this.#endWatched();
    this.#turns += 1;
    const step = nextStep(this.book, this.now, this.#turns % TURNS_OF_TASK === 0);
    const goesBeside = step.kind === 'round' || step.kind === 'end_round';
    if (this.book.rounds.length > (goesBeside ? ROUNDS_AT_ONCE : 0)) throw new Error(`${step.kind} beside rounds`);
    switch (step.kind) {
      case 'register':
        this.#register(step.parts);
        return true;
      case 'settle':
        for (const { calls, input } of step.settlements) {
          for (const call of calls) this.book.settled(call, input.error, undefined, this.now);
        }
        return true;
      case 'round':
        this.#begin(step);
        if (!this.#options.overlaps) this.#endRound();
        return true;
      case 'end_round':
        this.#endRound();
        return true;
      case 'record':
      case 'checkpoint':
        for (const batch of this.book.batches) batch.unrecorded = false;
        this.book.fallenEndpoints.clear();
        return true;
      case 'rest':
        return this.#passTime(step.until);
      case 'done':
        return false;
    }
  }

  run(turns = 100_000): void {
    for (let turn = 0; turn < turns; turn += 1) if (!this.turn()) return;
    throw new Error(
      `not at its end after ${turns} turns: ${JSON.stringify(this.book.batches.map(({ counts }) => counts))}`,
    );
  }

  runUntil(time: number): void {
    while (this.now < time) if (!this.turn()) return;
  }

  #register(parts: readonly RegisterPart[]): void {
    for (const part of parts) {
      for (const id of part.call_ids) this.#rows.add(`${part.batch_id} ${id}`);
      this.book.registered(this.#registered(part), part.call_ids.length, this.#horizon, this.now);
    }
  }

  #begin(round: Round): void {
    const { calls } = round;
    if (!this.book.store.isOpen && calls.length + this.book.rounds.length > 1)
      throw new Error('two probes of the store');
    this.#options.onRound?.(calls, this.now);
    this.book.begin(round, this.now);
    const ends = calls.map((call) => {
      if (!this.#rows.has(`${call.batch.id} ${call.id}`)) throw new Error(`${call.id} is tried without a row`);
      this.tried.push({ call: call.id, at: this.now });
      return this.#options.behaviour(call, call.route?.endpoint.ref.label ?? '', this.now);
    });
    this.#underWay.push(ends);
  }

  #endRound(): void {
    const parts = this.book.rounds[0]?.parts ?? [];
    this.book.endRound(this.#underWay.shift() ?? [], this.now);
    this.#register(parts);
  }

  #passTime(until: number): boolean {
    const next = Math.min(until, ...this.#watched.map(({ endsAt }) => endsAt));
    if (next === Number.POSITIVE_INFINITY) return false;
    this.now = Math.max(next, this.now + 1);
    return true;
  }

  #endWatched(): void {
    const ended = this.#watched.filter(({ endsAt }) => endsAt <= this.now);
    for (const watched of ended) {
      this.#watched.splice(this.#watched.indexOf(watched), 1);
      const call = this.book.addressed(watched.batch)[0]?.call(watched.call);
      if (call) this.book.watchEnded([call], [[call, watched.end]], this.now);
    }
  }

  get #horizon(): number {
    return this.#options.horizonMs ?? 72 * 3_600_000;
  }

  #registered(part: RegisterPart): RegisteredPart {
    const acceptedAt = this.book.addressed(part.batch_id)[0]?.acceptedAt ?? this.now;
    return freshPart(part, acceptedAt, this.#options.endpointOf);
  }
}

/** A part whose calls are all untried. `endpointOf`: default the batch's URL. */
export function freshPart(
  { batch_id, offset, call_ids, webhook_url = 'http://one' }: RegisterPart,
  accepted_at: number,
  endpointOf?: (callId: string) => string,
): RegisteredPart {
  const labels = call_ids.map((id) => endpointOf?.(id) ?? webhook_url);
  const distinct = [...new Set(labels)];
  return {
    batch_id,
    offset,
    accepted_at,
    paused_ms: 0,
    paused_since: null,
    endpoints: distinct.map(endpointRef),
    endpoint_of: distinct.length === 1 ? 0 : labels.map((label) => distinct.indexOf(label)),
    standings: [],
  };
}

const endpointRef = (label: string): EndpointRef => ({ key: `k-${label}`, origin: `o-${label}`, label });

export const batchOf = (batch_id: string, call_ids: string[], rest: Partial<BatchRequest> = {}): BatchRequest => ({
  batch_id,
  user_id: 'u-1',
  send_type: 'create',
  webhook_url: 'http://one',
  call_ids,
  ...rest,
});

export const names = (count: number, prefix = 'c'): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
