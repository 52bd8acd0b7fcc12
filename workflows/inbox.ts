import { CancellationScope, defineSignal, log, setDefaultSignalHandler, setHandler } from '@temporalio/workflow';
import type { LetterCounts } from '../contract/delivery.js';
import { cancelSignal, pauseSignal, resumeSignal, retryNowSignal, wakeSignal } from '../contract/messages.js';
import type { Order } from './orders.js';

/** Does something to the book, when the loop comes to it. */
export type Letter = Order | { kind: 'news'; read: (now: number) => void };

type Pile = keyof LetterCounts;

/**
 * What has come in, and the loop has not read. Handlers fill it and do nothing else: they neither throw nor schedule anything, for no
 * argument. What comes in together may come in another order, or one after the other, in a replay: so each kind is a pile of its own.
 */
export class Inbox {
  readonly #piles: Record<Pile, Letter[]> = { news: [], orders: [], cancellations: [] };

  get isEmpty(): boolean {
    return Object.values(this.#piles).every((letters) => letters.length === 0);
  }

  get counts(): LetterCounts {
    const { news, orders, cancellations } = this.#piles;
    return { news: news.length, orders: orders.length, cancellations: cancellations.length };
  }

  put(pile: Pile, letter: Letter): void {
    this.#piles[pile].push(letter);
  }

  /** Those that have come in first. @throws Error where there are not that many: the workflow task fails, and no order is lost. */
  take(counts: LetterCounts): Letter[] {
    return (Object.keys(this.#piles) as Pile[]).flatMap((pile) => {
      const letters = this.#piles[pile].splice(0, counts[pile]);
      if (letters.length < counts[pile]) throw new Error(`${letters.length} ${pile} of ${counts[pile]} have come in`);
      return letters;
    });
  }
}

/** What arguments of a signal of this name mean; undefined: nothing. */
type Parse = (argument: unknown) => Order | undefined;

const SIGNALS: readonly [{ name: string }, description: string, Parse][] = [
  [pauseSignal, 'no attempt starts until resume', (argument) => steering('pause', argument)],
  [resumeSignal, 'every waiting call goes on at once', (argument) => steering('resume', argument)],
  [cancelSignal, 'cancels what is not in flight', (argument) => steering('cancel', argument)],
  [retryNowSignal, 'waiting calls try at once', retrying],
  [wakeSignal, 'from workers: these calls try at once', waking],
];
const PARSERS = new Map(SIGNALS.map(([{ name }, , parse]) => [name, parse]));

/** Takes orders from signals, and a cancellation of the workflow as the order to cancel. */
export function receiveOrders(inbox: Inbox): void {
  const receive = (name: string, args: unknown[]): void => {
    const order = PARSERS.get(name)?.(args.length === 0 ? {} : args[0]);
    if (order) inbox.put('orders', order);
    else log.warn('a signal of an unknown name or a wrong shape was ignored', { signal: name });
  };
  // The first handler is given what came in before, in its order. One of a single name would be given its own before all others.
  setDefaultSignalHandler((name, ...args) => receive(name, args));
  for (const [signal, description] of SIGNALS) {
    setHandler(defineSignal<unknown[]>(signal.name), (...args) => receive(signal.name, args), { description });
  }
  CancellationScope.current().cancelRequested.catch(() => inbox.put('cancellations', { kind: 'cancel' }));
}

function steering(kind: 'pause' | 'resume' | 'cancel', argument: unknown): Order | undefined {
  const address = addressOf(argument);
  return address && { kind, ...address };
}

function retrying(argument: unknown): Order | undefined {
  const address = addressOf(argument);
  if (!address) return undefined;
  const { call_ids } = argument as { call_ids?: unknown };
  if (call_ids === undefined) return { kind: 'retry', ...address };
  return isStrings(call_ids) ? { kind: 'retry', ...address, call_ids } : undefined;
}

function waking(argument: unknown): Order | undefined {
  const { webhooks } = (isObject(argument) ? argument : {}) as { webhooks?: unknown };
  return Array.isArray(webhooks) && webhooks.every(isWoken) ? { kind: 'wake', webhooks } : undefined;
}

const isWoken = (value: unknown): value is { batch_id: string; call_ids: string[] } =>
  isObject(value) && typeof value.batch_id === 'string' && isStrings(value.call_ids);

function addressOf(argument: unknown): { batch_id?: string } | undefined {
  if (!isObject(argument)) return undefined;
  const { batch_id } = argument;
  if (batch_id === undefined) return {};
  return typeof batch_id === 'string' ? { batch_id } : undefined;
}

/** A plain object: what could not be decoded is none. */
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
