import { condition } from '@temporalio/workflow';

/**
 * Keeps the rest of a page's code still while express attempts run.
 *
 * Local activities that run together may resolve in another order, or in other groups, when their history is replayed. So while any
 * of them runs, nothing may be scheduled: whoever waits for all of a round and then acts in the order of the request behaves
 * alike in every replay, and whoever else has something to schedule passes this gate first. Others become ready meanwhile only
 * when a round outlasts its workflow task.
 */
export class ExpressGate {
  #closed = false;

  close(): void {
    this.#closed = true;
  }

  open(): void {
    this.#closed = false;
  }

  async pass(): Promise<void> {
    while (this.#closed) await condition(() => !this.#closed);
  }
}
