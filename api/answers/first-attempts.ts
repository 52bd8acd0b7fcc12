import type { FastifyBaseLogger } from 'fastify';
import { messageOf } from '../../contract/message-of.js';
import type { FirstAttempts, Store } from '../../store/store.js';

/** Milliseconds between two looks at the store. */
const INTERVAL_MS = 10;
/** A long wait is looked at less often: after this part of its time so far. */
const PATIENCE = 1 / 20;
/** Batches of one statement. */
const MAX_BATCHES = 5_000;

interface Wait {
  batchId: string;
  since: number;
  until: number;
  /** When the store is asked for it again. */
  dueAt: number;
  end: (found: FirstAttempts | undefined) => void;
}

/**
 * Waits for the first attempts of batches. All who wait in this process share one statement at a time, every 10 ms; while the store is
 * away, they wait on. Nothing is asked of the workflow service.
 */
export class FirstAttemptsWaits {
  readonly #store: Pick<Store, 'firstAttemptsMade'>;
  readonly #log: FastifyBaseLogger;
  readonly #waits = new Set<Wait>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isClosed = false;

  constructor(store: Pick<Store, 'firstAttemptsMade'>, log: FastifyBaseLogger) {
    this.#store = store;
    this.#log = log;
  }

  /**
   * Resolves when no call of the batch waits for its first attempt any more. Resolves to undefined after `timeoutMs`, when `giveUp` is
   * called, and when the waits are closed.
   */
  wait(batchId: string, timeoutMs: number): { made: Promise<FirstAttempts | undefined>; giveUp(): void } {
    const now = performance.now();
    let giveUp = (): void => undefined;
    const made = new Promise<FirstAttempts | undefined>((resolve) => {
      if (this.#isClosed) resolve(undefined);
      else {
        const end: Wait['end'] = (found) => {
          this.#waits.delete(wait);
          resolve(found);
        };
        const wait: Wait = { batchId, since: now, until: now + timeoutMs, dueAt: now + INTERVAL_MS, end };
        giveUp = () => end(undefined);
        this.#waits.add(wait);
        this.#timer ??= setTimeout(() => this.#tick(), INTERVAL_MS);
      }
    });
    return { made, giveUp };
  }

  /** Ends all waits, those to come included. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { end } of this.#waits) end(undefined);
  }

  #tick(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const { until, end } of this.#waits) if (until <= now) end(undefined);
    if (!this.#isLooking) void this.#look(now);
    if (this.#waits.size > 0) this.#timer = setTimeout(() => this.#tick(), INTERVAL_MS);
  }

  async #look(now: number): Promise<void> {
    const due = this.#takeDue(now);
    if (due.size === 0) return;
    this.#isLooking = true;
    try {
      for (const found of await this.#store.firstAttemptsMade([...due.keys()])) {
        for (const { end } of due.get(found.batch_id) ?? []) end(found);
      }
    } catch (error) {
      // The batches are accepted, and go on: who waits for them is answered at the end of the wait.
      this.#log.warn({ reason: messageOf(error) }, 'first attempts cannot be read');
    } finally {
      this.#isLooking = false;
    }
  }

  #takeDue(now: number): Map<string, Wait[]> {
    const due = new Map<string, Wait[]>();
    for (const wait of this.#waits) {
      if (wait.dueAt > now) continue;
      if (due.size === MAX_BATCHES) break;
      wait.dueAt = now + Math.max(INTERVAL_MS, PATIENCE * (now - wait.since));
      const others = due.get(wait.batchId);
      if (others) others.push(wait);
      else due.set(wait.batchId, [wait]);
    }
    return due;
  }
}
