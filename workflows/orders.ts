import type { Batch, Call } from './batch.js';
import type { Book } from './book.js';

/** What somebody wants of batches; without a batch ID, of all of the workflow. */
export type Order =
  | { kind: 'pause' | 'resume' | 'cancel'; batch_id?: string | undefined }
  | { kind: 'retry'; batch_id?: string | undefined; call_ids?: readonly string[] | undefined }
  /** From a worker: these may be tried now, as far as their endpoint is concerned. */
  | { kind: 'wake'; webhooks: readonly { batch_id: string; call_ids: readonly string[] }[] };

/** Changes the book as ordered. IDs that are not in the batch are dropped. */
export function carryOut(book: Book, order: Order, now: number): void {
  if (order.kind === 'wake') {
    for (const { batch_id, call_ids } of order.webhooks) {
      for (const batch of book.addressed(batch_id)) hurry(book, batch, call_ids, now, false);
    }
    return;
  }
  for (const batch of book.addressed(order.batch_id)) {
    if (batch.finishedAt === null) steer(book, batch, order, now);
  }
}

function steer(book: Book, batch: Batch, order: Exclude<Order, { kind: 'wake' }>, now: number): void {
  switch (order.kind) {
    case 'pause':
      if (batch.isPaused || batch.canceling) return;
      batch.pausedSince = now;
      batch.unrecorded = true;
      return;
    case 'resume':
      resume(book, batch, now);
      return;
    case 'cancel':
      if (batch.canceling) return;
      endPause(batch, now);
      batch.canceling = true;
      return;
    case 'retry':
      if (!batch.isPaused && !batch.canceling) hurry(book, batch, order.call_ids, now, true);
  }
}

function resume(book: Book, batch: Batch, now: number): void {
  if (!batch.isPaused) return;
  endPause(batch, now);
  hurry(book, batch, undefined, now, true);
}

/** The horizon moves by the length of the pause. */
function endPause(batch: Batch, now: number): void {
  if (batch.pausedSince === null) return;
  batch.pausedMs += Math.max(0, now - batch.pausedSince);
  batch.pausedSince = null;
  batch.unrecorded = true;
}

function hurry(book: Book, batch: Batch, callIds: readonly string[] | undefined, now: number, ordered: boolean): void {
  for (const call of callIds ? named(batch, callIds) : book.waiting) {
    if (call.batch === batch) book.hurry(call, now, ordered);
  }
}

function* named(batch: Batch, callIds: readonly string[]): Generator<Call> {
  for (const callId of callIds) {
    const call = batch.call(callId);
    if (call) yield call;
  }
}
