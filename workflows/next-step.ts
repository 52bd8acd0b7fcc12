import type { RegisterPart } from '../contract/delivery.js';
import type { Call } from './batch.js';
import type { Book } from './book.js';
import { dueCalls, nextDue } from './due.js';
import { type Settlement, settlements } from './settlements.js';

/** What the loop does next; it awaits one step before it takes another. */
export type Step =
  | { kind: 'register'; parts: RegisterPart[] }
  | { kind: 'settle'; settlements: Settlement[] }
  /** Attempts, and beside them the registration of the calls that come next. */
  | { kind: 'round'; calls: Call[]; parts: RegisterPart[] }
  /** The store is told what others wait for, or what a reset must not lose. */
  | { kind: 'record' }
  /** Milliseconds since the epoch; Infinity: until something comes in. */
  | { kind: 'rest'; until: number };

/** A call is registered before it is tried; endings go before attempts. */
export function nextStep(book: Book, now: number): Step {
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

/** Every call is settled, and the store knows it. */
export const isDone = (book: Book): boolean => book.allSettled && !book.hasUnrecorded;
