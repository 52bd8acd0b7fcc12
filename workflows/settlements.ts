import type { SettleInput } from '../contract/delivery.js';
import type { FinalFailure } from '../contract/failures.js';
import { PAGE_SIZE } from '../contract/limits.js';
import type { Batch, Call } from './batch.js';
import type { Book } from './book.js';

/** Calls of one batch that are to be settled without sending, at most 500. */
export interface Settlement {
  calls: Call[];
  input: SettleInput;
}

/** Settlements of one turn of the loop. */
const AT_ONCE = 4;

/** Whose time is over: calls of canceled batches, to endpoints that are gone, and past the horizon. Attempts in flight end first. */
export function settlements(book: Book, now: number): Settlement[] {
  const due: Settlement[] = [];
  for (const batch of book.batches) {
    if (batch.unsettled === 0 || !mayBeOverdue(batch, now)) continue;
    for (const [error, calls] of overdueCalls(batch, now)) {
      for (let from = 0; from < calls.length && due.length < AT_ONCE; from += PAGE_SIZE) {
        due.push(settlement(batch, error, calls.slice(from, from + PAGE_SIZE)));
      }
    }
  }
  return due;
}

const mayBeOverdue = (batch: Batch, now: number): boolean =>
  batch.canceling || batch.hasGoneCalls || now >= batch.horizonAt;

function overdueCalls(batch: Batch, now: number): Map<FinalFailure, Call[]> {
  const byError = new Map<FinalFailure, Call[]>();
  for (const call of batch.calls) {
    const error = mayBeSettled(call) ? failureOf(call, now) : undefined;
    if (error === undefined) continue;
    const calls = byError.get(error);
    if (calls) calls.push(call);
    else byError.set(error, [call]);
  }
  batch.hasGoneCalls = byError.has('EndpointGone');
  return byError;
}

/** No attempt is in flight; an unregistered call is registered first. */
const mayBeSettled = ({ state }: Call): boolean => state === 'untried' || state === 'waiting' || state === 'reading';

function failureOf({ batch, route, attempts, unread, state }: Call, now: number): FinalFailure | undefined {
  if (batch.canceling) return 'BatchCanceled';
  if (route && route.goneSince !== null) return 'EndpointGone';
  if (now < batch.horizonAt) return undefined;
  if (attempts > 0) return 'ScheduleUsedUp';
  return unread || state === 'reading' ? 'CallUnreadable' : 'NeverTried';
}

const settlement = ({ base }: Batch, error: FinalFailure, calls: Call[]): Settlement => ({
  calls,
  input: {
    ...base,
    call_ids: calls.map(({ id }) => id),
    status: error === 'BatchCanceled' ? 'canceled' : 'failed',
    error,
  },
});
