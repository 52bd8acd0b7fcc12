import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';

/** Calls due within the same half second share a timer, and so its two history events. */
const TICK_MS = 500;

interface Waiting {
  dueAt: number;
  leave: () => void;
}

/** Where calls wait for their next attempt, all on one timer: a timer for each would cost two history events a call. */
export class WaitingRoom {
  readonly #waiting = new Map<string, Waiting>();
  #timer: { firesAt: number; scope: CancellationScope } | undefined;

  /** Resolves when the delay is over, or when the call is released. */
  wait(callId: string, delayMs: number): Promise<void> {
    return new Promise((leave) => {
      this.#waiting.set(callId, { dueAt: Date.now() + delayMs, leave });
      this.#setTimer();
    });
  }

  /** Lets a waiting call go now; any other is left alone. */
  release(callId: string): void {
    this.#waiting.get(callId)?.leave();
    this.#waiting.delete(callId);
  }

  releaseAll(): void {
    for (const callId of [...this.#waiting.keys()]) this.release(callId);
  }

  #releaseDue(): void {
    for (const [callId, { dueAt }] of [...this.#waiting]) if (dueAt <= Date.now()) this.release(callId);
    this.#setTimer();
  }

  #setTimer(): void {
    if (this.#waiting.size === 0) return;
    const next = Math.min(...[...this.#waiting.values()].map(({ dueAt }) => dueAt));
    const firesAt = Math.ceil(next / TICK_MS) * TICK_MS;
    if (this.#timer && this.#timer.firesAt <= firesAt) return;
    this.#timer?.scope.cancel();
    const timer = { firesAt, scope: new CancellationScope({ cancellable: true }) };
    this.#timer = timer;
    timer.scope
      .run(() => sleep(Math.max(1, firesAt - Date.now())))
      .then(() => {
        this.#timer = undefined;
        this.#releaseDue();
      })
      .catch((error: unknown) => {
        if (!isCancellation(error)) throw error;
      });
  }
}
