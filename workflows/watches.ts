import type { DeliveryEnd, WatchedGroup } from '../contract/delivery.js';
import { groupedBy } from '../contract/grouped-by.js';
import { regular } from './activities.js';
import type { Call } from './batch.js';
import type { Book } from './book.js';
import type { Endpoint } from './endpoint.js';
import type { Inbox } from './inbox.js';

/** A watch over attempts that have just become slow returns soon, so that the next ones are watched. */
const FRESH_WINDOW_MS = 1_000;
const LONG_WINDOW_MS = 10_000;
/** Watches over attempts that take longer, at once; endpoints beyond wait for one of them to return. */
const MAX_WATCHES = 20;

/** Look after attempts that go on in worker processes. What they bring comes in as letters. */
export class Watches {
  readonly #book: Book;
  readonly #inbox: Inbox;
  readonly #endpoints = new Set<Endpoint | undefined>();
  #isFreshUnderWay = false;

  constructor(book: Book, inbox: Inbox) {
    this.#book = book;
    this.#inbox = inbox;
  }

  /**
   * Those that have just become slow share one watch, which returns soon. Those that outlast it are watched by endpoint, so that one that
   * hangs does not hide the ends of another's.
   */
  begin(): void {
    if (!this.#isFreshUnderWay) this.#watchFresh(this.#book.unwatched('fresh'));
    for (const [endpoint, calls] of groupedBy(this.#book.unwatched('long'), ({ route }) => route?.endpoint)) {
      if (this.#endpoints.size >= MAX_WATCHES) return;
      if (!this.#endpoints.has(endpoint)) this.#watchLong(endpoint, calls);
    }
  }

  #watchFresh(calls: readonly Call[]): void {
    if (calls.length === 0) return;
    this.#isFreshUnderWay = true;
    void this.#watchFor(calls, FRESH_WINDOW_MS, () => {
      this.#isFreshUnderWay = false;
    });
  }

  #watchLong(endpoint: Endpoint | undefined, calls: readonly Call[]): void {
    this.#endpoints.add(endpoint);
    void this.#watchFor(calls, LONG_WINDOW_MS, () => this.#endpoints.delete(endpoint));
  }

  async #watchFor(calls: readonly Call[], window_ms: number, over: () => void): Promise<void> {
    for (const call of calls) call.watched = true;
    const { groups, calls: grouped } = watchGroups(calls);
    const summary = `attempts that take longer: ${calls.length}`;
    const { ends } = await regular.watchAttempts.executeWithOptions({ summary }, [{ groups, window_ms }]);
    this.#inbox.put('news', {
      kind: 'news',
      read: (now) => {
        over();
        const known = ends.flatMap(([group, index, end]) => {
          const call = grouped[group]?.[index];
          return call ? [[call, end] as [Call, DeliveryEnd]] : [];
        });
        this.#book.watchEnded(calls, known, now);
      },
    });
  }
}

/** Calls as a watch takes them: by batch. `calls[group][index]` are the calls of its answer. */
function watchGroups(calls: readonly Call[]): { groups: WatchedGroup[]; calls: Call[][] } {
  const byBatch = groupedBy(calls, ({ batch }) => batch);
  const groups = [...byBatch].map(([{ base }, group]) => ({ ...base, call_ids: group.map(({ id }) => id) }));
  return { groups, calls: [...byBatch.values()] };
}
