import {
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import { EVERY_CALL_REJECTED } from '../contract/failures.js';
import type { DeliverInput, DeliverMemo, DeliverResult } from '../contract/messages.js';
import { Book } from './book.js';
import { type CarriedBook, carry, unpack } from './carry.js';
import { detailsOf } from './details.js';
import { Inbox, type Letter, receiveOrders } from './inbox.js';
import { carryOut } from './orders.js';
import { answerQuestions } from './questions.js';
import { resultOf } from './report.js';
import { SearchAttributes } from './search-attributes.js';
import { Steps } from './steps.js';

/** Far below what Temporal bears: 51,200 events, 50 MB. A run that is carried over costs one workflow task. */
const MAX_RUN_EVENTS = 4_000;
const MAX_RUN_BYTES = 2_000_000;
/** A longer one is begun anew: a horizon may be a month away. */
const LONGEST_REST_MS = 24 * 3_600_000;

/**
 * Creates and delivers one webhook for each call of its batches. One loop over one book: handlers of signals only fill the inbox, and
 * everything is scheduled from here, so that a replay makes the same decisions.
 */
export async function deliverWebhooks(input: DeliverInput<CarriedBook>): Promise<DeliverResult> {
  const book = input.carried
    ? unpack(input.batches, input.carried)
    : new Book(input.batches, workflowInfo().startTime.getTime());
  const inbox = new Inbox();
  receiveOrders(inbox);
  answerQuestions(book);
  await CancellationScope.nonCancellable(() => deliver(book, inbox, input));
  return conclude(book);
}

async function deliver(book: Book, inbox: Inbox, input: DeliverInput<CarriedBook>): Promise<void> {
  const steps = new Steps(book, inbox, input.carried !== undefined);
  const run = new RunLength(input);
  const shown = new Display(book, input.search_attributes);
  const find = (notBefore: number) => ({
    at: Math.max(notBefore, Date.now()),
    letters: inbox.counts,
    is_long: run.isLong,
  });
  let beginning = await steps.beginChain(find(steps.now));
  for (;;) {
    readLetters(book, inbox.take(beginning.letters), steps.now);
    if (beginning.is_long) {
      // The end of a run must follow an event of its own: a replay that found it earlier would not have the orders that came before it.
      await steps.checkpoint();
      // Nothing is awaited between this and the end: no order is lost.
      readLetters(book, inbox.take(inbox.counts), steps.now);
      await continueAsNew<typeof deliverWebhooks>({ ...input, carried: carry(book) });
    }
    const last = await steps.chain();
    if (last.kind === 'done') return;
    let notBefore = steps.now;
    if (last.kind === 'rest') {
      shown.update();
      notBefore = await rest(inbox, last.until, steps.now);
    }
    beginning = await steps.beginChain(find(notBefore));
  }
}

function readLetters(book: Book, letters: readonly Letter[], now: number): void {
  for (const letter of letters) letter.kind === 'news' ? letter.read(now) : carryOut(book, letter, now);
}

/**
 * Until something has come in, or for so long. A timer is started even if letters are there already: in a replay they may come only after
 * this, and the numbers of timers must be the same. Answers a time that has come for sure, whatever clocks say.
 */
async function rest(inbox: Inbox, until: number, now: number): Promise<number> {
  const ms = Math.min(until - now, LONGEST_REST_MS);
  const hasLetters = await condition(() => !inbox.isEmpty, ms, { summary: 'until the next attempt' });
  return hasLetters ? now : now + ms;
}

/** What Temporal's lists and pages show of the workflow while it runs. */
class Display {
  readonly #book: Book;
  readonly #attributes: SearchAttributes | undefined;

  constructor(book: Book, searchAttributes: true | undefined) {
    this.#book = book;
    this.#attributes = searchAttributes && new SearchAttributes(book);
  }

  update(): void {
    setCurrentDetails(detailsOf(this.#book));
    this.#attributes?.update();
  }
}

/** What a run has added to its history: its input may be large by itself. */
class RunLength {
  readonly #inputBytes: number;

  constructor(input: DeliverInput<CarriedBook>) {
    this.#inputBytes = JSON.stringify(input).length;
  }

  get isLong(): boolean {
    const { historyLength, historySize } = workflowInfo();
    return historyLength > MAX_RUN_EVENTS || historySize - this.#inputBytes > MAX_RUN_BYTES;
  }
}

/** @throws ApplicationFailure of type EveryCallRejected, with the result, where an idempotency key may be used again for the same request. */
function conclude(book: Book): DeliverResult {
  setCurrentDetails(detailsOf(book));
  const result = { batches: book.batches.map(resultOf) };
  const [only, ...others] = result.batches;
  if (!only || others.length > 0 || only.rejected < only.total || !hasKey()) return result;
  throw ApplicationFailure.create({
    type: EVERY_CALL_REJECTED,
    message: 'every call of the batch was rejected',
    nonRetryable: true,
    category: 'BENIGN',
    details: [result],
  });
}

/** Only a request with an idempotency key has a fingerprint. */
function hasKey(): boolean {
  const memo = workflowInfo().memo as Partial<DeliverMemo> | undefined;
  return memo?.batches?.[0]?.fingerprint !== undefined;
}
