/** Waits that the caller, or the client's end, can give up. One that is over leaves nothing behind, however long its signal lives. */
export class Waits {
  readonly #open = new Set<(reason: Error) => void>();
  readonly #abortable = new Map<AbortSignal, Abortable>();
  #ended: Error | undefined;

  /** As `work`, unless `signal` is aborted, or the waits are ended, before: then throws the reason, and `work` goes on by itself. */
  for<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
    // Its failure is of no interest to a wait that is given up before it begins.
    work.catch(() => undefined);
    return this.#wait(signal, (resolve, reject) => {
      work.then(resolve, reject);
      return () => undefined;
    });
  }

  /** Throws as {@link for} does. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return this.#wait(signal, (resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      return () => clearTimeout(timer);
    });
  }

  /** Ends all waits, those to come included. */
  end(reason: Error): void {
    this.#ended ??= reason;
    for (const giveUp of this.#open) giveUp(this.#ended);
  }

  async #wait<T>(
    signal: AbortSignal | undefined,
    begin: (resolve: (value: T) => void, reject: (reason: unknown) => void) => () => void,
  ): Promise<T> {
    signal?.throwIfAborted();
    if (this.#ended) throw this.#ended;
    let over = (): void => undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        const stop = begin(resolve, reject);
        const forget = signal && this.#onAbort(signal, reject);
        this.#open.add(reject);
        over = () => {
          stop();
          forget?.();
          this.#open.delete(reject);
        };
      });
    } finally {
      over();
    }
  }

  /** One listener for all waits of a signal: Node.js takes more than ten for a leak. Returns what ends this one. */
  #onAbort(signal: AbortSignal, giveUp: (reason: unknown) => void): () => void {
    const { waiting, abort } = this.#abortable.get(signal) ?? this.#listen(signal);
    waiting.add(giveUp);
    return () => {
      waiting.delete(giveUp);
      if (waiting.size > 0) return;
      signal.removeEventListener('abort', abort);
      this.#abortable.delete(signal);
    };
  }

  #listen(signal: AbortSignal): Abortable {
    const waiting: Abortable['waiting'] = new Set();
    const abort = () => {
      for (const giveUp of waiting) giveUp(signal.reason);
    };
    signal.addEventListener('abort', abort);
    const listening = { waiting, abort };
    this.#abortable.set(signal, listening);
    return listening;
  }
}

/** Who waits until a signal is aborted, and the listener that tells them. */
interface Abortable {
  waiting: Set<(reason: unknown) => void>;
  abort: () => void;
}
