import { log, TemporalFailure, workflowInfo } from '@temporalio/workflow';
import type {
  Beginning,
  CheckpointInput,
  CheckpointResult,
  RegisterPart,
  RegisterResult,
  SettleResult,
} from '../contract/delivery.js';
import { local, recordBeginning, regular } from './activities.js';
import type { Batch } from './batch.js';
import type { Book, Round } from './book.js';
import { Clock } from './clock.js';
import type { Endpoint } from './endpoint.js';
import type { Inbox } from './inbox.js';
import { nextStep, type Step } from './next-step.js';
import { Rounds } from './rounds.js';
import type { Settlement } from './settlements.js';
import { TaskBudget } from './task-budget.js';
import { Watches } from './watches.js';

const NOTHING_REGISTERED: RegisterResult = { kind: 'registered', parts: [], horizon_ms: 0, took: 0 };
const FAULT = { kind: 'store_away', took: 0 } as const;

const NOTHING_FOUND: Beginning = { at: 0, letters: { news: 0, orders: 0, cancellations: 0 }, is_long: false };

type Opening = 'registration' | 'pauses' | 'none';
/** With which a chain ends. */
type LastStep = Extract<Step, { kind: 'done' | 'rest' | 'checkpoint' }>;

/**
 * What the loop does: everything begins here, and is awaited in the same step, but for rounds and watches. What activities bring is written
 * into the book in the book's order, whatever order they end in.
 */
export class Steps {
  readonly #book: Book;
  readonly #task = new TaskBudget();
  readonly #rounds = new Rounds();
  readonly #clock: Clock;
  readonly #watches: Watches;
  /** What the next chain begins with. */
  #opening: Opening;

  constructor(book: Book, inbox: Inbox, isCarried: boolean) {
    this.#book = book;
    this.#opening = isCarried ? 'pauses' : 'registration';
    this.#watches = new Watches(book, inbox);
    this.#clock = new Clock(workflowInfo().startTime.getTime());
  }

  /** Milliseconds since the epoch. */
  get now(): number {
    return this.#clock.now;
  }

  /**
   * Its first local activity answers what was found: in a replay that may be another, and what was recorded counts. In the first chain of a
   * run it registers. A run that was carried over may have been reset: it reads what the store knows of pauses, until the store answers.
   */
  async beginChain(found: Beginning): Promise<Beginning> {
    this.#task.renew();
    const opening = this.#opening;
    this.#opening = 'none';
    const parts = this.#partsOf(opening);
    if (parts.length === 0) {
      const beginning = await recordBeginning(found);
      this.#clock.moveTo(beginning.at);
      return beginning;
    }
    const { kind, beginning } = await this.#register(parts, found);
    // Nothing was recorded where the activity failed by a fault: the letters stay for the next chain.
    if (!beginning) return NOTHING_FOUND;
    if (kind === 'store_away' && opening === 'pauses') this.#opening = opening;
    return beginning;
  }

  /** What the store says of pauses is newer than what was carried: parts without calls ask for that alone. */
  #partsOf(opening: Opening): RegisterPart[] {
    if (opening === 'none') return [];
    if (opening === 'registration') return this.#book.unregistered();
    return this.#book.batches
      .filter(({ registered, finishedAt }) => registered > 0 && finishedAt === null)
      .map(({ base, calls }) => ({ ...base, call_ids: [], offset: 0, total: calls.length }));
  }

  /** One step after the other, until nothing is to be done now, or the workflow task has been ended for those who wait for it. */
  async chain(): Promise<LastStep> {
    for (;;) {
      const step = nextStep(this.#book, this.now, this.#task.isUsedUp);
      switch (step.kind) {
        case 'done':
          return step;
        case 'rest':
          this.#watches.begin();
          return step;
        case 'checkpoint':
          await this.checkpoint();
          return step;
        default:
          await this.#do(step);
      }
    }
  }

  /** A regular activity ends the workflow task. A timer, or a continue-as-new, would take half a second or more. */
  checkpoint(): Promise<void> {
    return this.#record((input) => regular.checkpoint(input));
  }

  async #do(step: Exclude<Step, LastStep>): Promise<void> {
    switch (step.kind) {
      case 'register':
        await this.#register(step.parts);
        return;
      case 'settle':
        return this.#settle(step.settlements);
      case 'round':
        return this.#beginRound(step);
      case 'end_round':
        return this.#endRound();
      case 'record':
        return this.#record((input) =>
          local.checkpoint.executeWithOptions({ summary: 'where the calls stand' }, [input]),
        );
    }
  }

  async #register(parts: readonly RegisterPart[], found?: Beginning): Promise<RegisterResult> {
    const askedAt = this.now;
    const result = await this.#askToRegister(parts, found);
    this.#clock.moveTo((result.beginning?.at ?? askedAt) + result.took);
    this.#registered(result, parts);
    return result;
  }

  async #askToRegister(parts: readonly RegisterPart[], beginning?: Beginning): Promise<RegisterResult> {
    if (parts.length === 0) return NOTHING_REGISTERED;
    const [first] = this.#book.batches;
    const input = {
      workflow_id: workflowInfo().workflowId,
      accepted_at: first?.acceptedAt ?? 0,
      parts: [...parts],
      ...(beginning && { beginning }),
    };
    const summary = `calls ${numbersOf(parts)}`;
    return orAway<RegisterResult>(local.registerBatches.executeWithOptions({ summary }, [input]));
  }

  #registered(result: RegisterResult, asked: readonly RegisterPart[]): void {
    this.#task.registration(result);
    const { now } = this;
    if (result.kind === 'store_away') {
      // Attempts that went on meanwhile may be answered: their statements are others.
      this.#book.store.failed(now, now);
      return;
    }
    for (const part of result.parts) {
      const size = asked.find(({ batch_id, offset }) => batch_id === part.batch_id && offset === part.offset)?.call_ids
        .length;
      this.#book.registered(part, size ?? 0, result.horizon_ms, now);
    }
    if (result.parts.length > 0) this.#book.store.answered(now);
  }

  async #settle(settlements: readonly Settlement[]): Promise<void> {
    const askedAt = this.now;
    const results = await Promise.all(
      settlements.map(({ input }) =>
        orAway<SettleResult>(
          local.settleWebhooks.executeWithOptions({ summary: `${input.error}: ${input.call_ids.length} calls` }, [
            input,
          ]),
        ),
      ),
    );
    const took = Math.max(...results.map((result) => result.took));
    this.#clock.moveTo(askedAt + took);
    this.#task.statements(settlements.length, took);
    for (const [index, settlement] of settlements.entries()) this.#settled(settlement, results[index]);
  }

  #settled({ calls, input }: Settlement, result: SettleResult | undefined): void {
    const { now } = this;
    if (result?.kind !== 'settled') {
      this.#book.store.failed(now);
      return;
    }
    const standings = new Map(result.standings);
    calls.forEach((call, place) => {
      this.#book.settled(call, input.error, standings.get(place), now);
    });
  }

  #beginRound(round: Round): void {
    this.#book.begin(round, this.now);
    this.#rounds.begin(round.calls, this.now, this.#askToRegister(round.parts));
  }

  async #endRound(): Promise<void> {
    const { results, took, registration } = await this.#rounds.endOfFirst();
    const { begunAt = 0, parts = [] } = this.#book.rounds[0] ?? {};
    this.#clock.moveTo(begunAt + Math.max(took, registration.took));
    this.#task.round(results.length, took);
    this.#book.endRound(results, this.now);
    this.#registered(registration, parts);
    // One watch for all rounds that were under way: a later one would wait for it. None is begun before the workflow task ends.
    if (this.#book.rounds.length === 0) this.#watches.begin();
  }

  async #record(write: (input: CheckpointInput) => Promise<CheckpointResult>): Promise<void> {
    const { fallenEndpoints, store } = this.#book;
    const askedAt = this.now;
    const batches = this.#book.batches.filter(({ unrecorded }) => unrecorded);
    const endpoints = [...fallenEndpoints];
    for (const batch of batches) batch.unrecorded = false;
    fallenEndpoints.clear();
    const result = await orAway<CheckpointResult>(write(checkpointOf(batches, endpoints)));
    this.#clock.moveTo(askedAt + result.took);
    this.#task.statements(1, result.took);
    if (result.kind === 'store_away') {
      for (const batch of batches) batch.unrecorded = true;
      for (const endpoint of endpoints) fallenEndpoints.add(endpoint);
      store.failed(this.now);
    } else if (batches.length + endpoints.length > 0) store.answered(this.now);
  }
}

/** Summaries are not encrypted: no user, no URL. Which calls of how many a registration is about: of one batch by their numbers. */
function numbersOf(parts: readonly RegisterPart[]): string {
  const [first] = parts;
  const count = parts.reduce((sum, { call_ids }) => sum + call_ids.length, 0);
  if (!first || parts.length > 1) return `${count} of ${parts.length} batches`;
  return count === 0
    ? `of ${first.batch_id}, known`
    : `${first.offset + 1} to ${first.offset + count} of ${first.total}`;
}

const checkpointOf = (batches: readonly Batch[], endpoints: readonly Endpoint[]): CheckpointInput => ({
  batches: batches.map(({ id, counts, pausedMs, pausedSince, finishedAt }) => ({
    batch_id: id,
    counts,
    paused_ms: pausedMs,
    paused_since: pausedSince,
    finished_at: finishedAt,
  })),
  endpoints: endpoints.map(({ userId, ref }) => ({ user_id: userId, key: ref.key })),
});

async function orAway<T>(work: Promise<T>): Promise<T | typeof FAULT> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
    log.error('an activity failed by a fault of the worker', { error });
    return FAULT;
  }
}
