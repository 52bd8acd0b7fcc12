import type { RegisterPart } from '../contract/delivery.js';
import type { Call } from './batch.js';
import type { Book } from './book.js';
import { dueCalls, nextDue } from './due.js';
import { type Settlement, settlements } from './settlements.js';

const CHECKPOINT = { kind: 'checkpoint' } as const;
const END_ROUND = { kind: 'end_round' } as const;
const DONE = { kind: 'done' } as const;

/** Rounds under way at once: while one is being answered the worker has another, and both its threads have work. */
export const ROUNDS_AT_ONCE = 2;

/** What the loop does next. It awaits one step before it takes another, but for rounds: they begin in one step, and end in a later one. */
export type Step =
  | { kind: 'register'; parts: RegisterPart[] }
  | { kind: 'settle'; settlements: Settlement[] }
  /** Attempts, and beside them the registration of the calls that come next. */
  | { kind: 'round'; calls: Call[]; parts: RegisterPart[] }
  /** The round that began first is awaited. */
  | { kind: 'end_round' }
  /** The store is told what others wait for, or what a reset must not lose. */
  | { kind: 'record' }
  /** The same, and the workflow task ends. */
  | { kind: 'checkpoint' }
  /** Milliseconds since the epoch; Infinity: until something comes in. */
  | { kind: 'rest'; until: number }
  /** Every call is settled, and the store knows it. */
  | { kind: 'done' };

/** A call is registered before it is tried; endings go before attempts. Nothing but rounds goes on beside rounds. */
export function nextStep(book: Book, now: number, taskIsLong = false): Step {
  if (book.allSettled && !book.hasUnrecorded) return DONE;
  if (book.rounds.length === 0) return taskIsLong ? CHECKPOINT : freeStep(book, now);
  // While the store is away one round probes it, and no other begins.
  if (taskIsLong || book.rounds.length === ROUNDS_AT_ONCE || !book.store.isOpen) return END_ROUND;
  const step = freeStep(book, now);
  return step.kind === 'round' ? step : END_ROUND;
}

function freeStep(book: Book, now: number): Step {
  const step = book.store.places(now) > 0 ? work(book, now) : undefined;
  return step ?? { kind: 'rest', until: nextDue(book, now) };
}

function work(book: Book, now: number): Step | undefined {
  const ended = settlements(book, now);
  if (ended.length > 0) return { kind: 'settle', settlements: ended };
  const parts = book.unregistered();
  const calls = dueCalls(book, now);
  if (calls.length > 0) return { kind: 'round', calls, parts };
  if (parts.length > 0) return { kind: 'register', parts };
  return book.hasUnrecorded ? { kind: 'record' } : undefined;
}
