import { condition, sleep } from '@temporalio/workflow';

/**
 * Keeps the rest of a page's code still while express attempts run.
 *
 * Local activities that run together may resolve in another order, or in other groups, when their history is replayed. So while any
 * of them runs, nothing may be scheduled: whoever waits for all of a round and then acts in the order of the request behaves
 * alike in every replay, and whoever else has something to schedule passes this gate first.
 */
export class ExpressGate {
  #closed = false;
  #waiting = 0;

  close(): void {
    this.#closed = true;
  }

  /** Ends the workflow task, so that queries and signals are answered and the others act at a time that replays alike. */
  async open(): Promise<void> {
    if (!this.#closed) return;
    await sleep(1);
    this.#closed = false;
  }

  /** The same when no round follows, but without a timer where nobody waits: most batches end with their first round. */
  async openForGood(): Promise<void> {
    if (this.#waiting > 0) return this.open();
    this.#closed = false;
  }

  async pass(): Promise<void> {
    this.#waiting += 1;
    while (this.#closed) await condition(() => !this.#closed);
    this.#waiting -= 1;
  }
}
