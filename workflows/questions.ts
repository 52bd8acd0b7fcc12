import { setHandler } from '@temporalio/workflow';
import { outcomesQuery, progressQuery } from '../contract/messages.js';
import type { Book } from './book.js';
import { outcomesOf, progressOf } from './report.js';

/** Answers the contract's queries; null for a batch that is not held here. Other queries get no answer, and change nothing. */
export function answerQuestions(book: Book): void {
  const batchOf = (argument: { batch_id?: string } | null | undefined) => book.addressed(argument?.batch_id)[0];
  setHandler(progressQuery, (address) => {
    const batch = batchOf(address);
    return batch ? progressOf(batch) : null;
  });
  setHandler(outcomesQuery, (query) => {
    const batch = batchOf(query);
    return batch ? outcomesOf(batch, query?.page ?? 0) : null;
  });
}
