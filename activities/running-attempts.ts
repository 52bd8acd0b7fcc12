import type { DeliveryEnd } from '../contract/index.js';
import type { WebhookRef } from '../store/store.js';

/** How an attempt ended; an Error for a fault of our own. */
export type AttemptResult = DeliveryEnd | Error;

/** Who waits for an attempt, or for what it does next. */
export interface AttemptListener {
  onEnd(end: AttemptResult): void;
  onSending?(): void;
}

/** One attempt that runs in this process. Listeners and not promises: a wait that was given up leaves nothing behind. */
export class RunningAttempt {
  readonly #startedAt = performance.now();
  /** `opening`: it may wait for a place, or for the store. `reading`: its call is being read, and nothing is open in the store. */
  phase: 'opening' | 'reading' | 'sending' = 'opening';
  /** No workflow task waits for it any more: a watch will ask how it ended. */
  wasLeft = false;
  /** Left before it was sent, and its call had to be read: it ends when the call is stored, without an attempt. */
  readsOnly = false;
  #onReadsOnly: (() => void) | undefined;
  readonly #listeners = new Set<AttemptListener>();

  /** Milliseconds until the batch's horizon, of so many when the attempt began. */
  remaining(remainingAtStart: number): number {
    return remainingAtStart - (performance.now() - this.#startedAt);
  }

  listen(listener: AttemptListener): void {
    this.#listeners.add(listener);
  }

  forget(listener: AttemptListener): void {
    this.#listeners.delete(listener);
  }

  /** `onReadsOnly` is called when nothing will be sent after the reading. */
  startReading(onReadsOnly: () => void): void {
    this.phase = 'reading';
    this.#onReadsOnly = onReadsOnly;
    if (this.wasLeft) this.#onlyRead();
  }

  startSending(): void {
    this.phase = 'sending';
    for (const listener of this.#listeners) listener.onSending?.();
  }

  /** What a local activity answers that waits no longer. */
  leave(): DeliveryEnd {
    this.wasLeft = true;
    if (this.phase === 'opening') return { kind: 'slow', unopened: true };
    if (this.phase === 'sending') return { kind: 'slow' };
    this.#onlyRead();
    return { kind: 'reading' };
  }

  #onlyRead(): void {
    this.readsOnly = true;
    this.#onReadsOnly?.();
  }

  end(end: AttemptResult): void {
    for (const listener of this.#listeners) listener.onEnd(end);
    this.#listeners.clear();
  }
}

/** Ends of attempts that were left are kept for the watch that follows, and for this long: it starts when the workflow task ends. */
const KEPT_MS = 15_000;
/** More would be forgotten in the order of their ends; the store knows of them too. */
const MAX_KEPT = 20_000;

interface KeptEnd {
  end: DeliveryEnd;
  endedAt: number;
}

/**
 * The attempts that run in this process, one for each batch and call: a repeated execution joins the one that runs, and sends nothing
 * again.
 */
export class RunningAttempts {
  readonly #running = new Map<string, RunningAttempt>();
  readonly #work = new Set<Promise<void>>();
  /** In the order of their ends. */
  readonly #kept = new Map<string, KeptEnd>();
  readonly #now: () => number;

  constructor({ now = () => performance.now() }: { now?: () => number } = {}) {
    this.#now = now;
  }

  get size(): number {
    return this.#running.size;
  }

  /** The running attempt of this webhook, or else a new one. */
  join(ref: WebhookRef, make: (attempt: RunningAttempt) => Promise<DeliveryEnd>): RunningAttempt {
    const key = keyOf(ref);
    const running = this.#running.get(key);
    if (running) return running;
    this.#kept.delete(key);
    const attempt = new RunningAttempt();
    this.#running.set(key, attempt);
    const work = this.#run(key, attempt, make).finally(() => this.#work.delete(work));
    this.#work.add(work);
    return attempt;
  }

  find(ref: WebhookRef): RunningAttempt | undefined {
    return this.#running.get(keyOf(ref));
  }

  /** The end of an attempt that was left and has ended meanwhile; answered once. */
  takeEnd(ref: WebhookRef): DeliveryEnd | undefined {
    const key = keyOf(ref);
    const kept = this.#kept.get(key);
    if (!kept) return undefined;
    this.#kept.delete(key);
    const age = this.#now() - kept.endedAt;
    if (age > KEPT_MS) return undefined;
    return 'due_in' in kept.end ? { ...kept.end, due_in: Math.max(0, Math.round(kept.end.due_in - age)) } : kept.end;
  }

  /** Resolves when no attempt runs, those included that start meanwhile. */
  async idle(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  async #run(
    key: string,
    attempt: RunningAttempt,
    make: (attempt: RunningAttempt) => Promise<DeliveryEnd>,
  ): Promise<void> {
    const end = await make(attempt).catch(toError);
    this.#running.delete(key);
    if (attempt.wasLeft && !(end instanceof Error)) this.#keep(key, end);
    attempt.end(end);
  }

  #keep(key: string, end: DeliveryEnd): void {
    this.#kept.set(key, { end, endedAt: this.#now() });
    for (const [oldest, { endedAt }] of this.#kept) {
      if (this.#kept.size <= MAX_KEPT && this.#now() - endedAt <= KEPT_MS) break;
      this.#kept.delete(oldest);
    }
  }
}

const keyOf = ({ batch_id, call_id }: WebhookRef): string => `${batch_id}\n${call_id}`;

const toError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
