/** Waits that whoever waits, or the client's end, can give up. One that is over leaves nothing behind, however long its signal lives. */
export class Waits {
  readonly #open = new Set<(reason: Error) => void>();
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
        const abort = () => reject(signal?.reason);
        const stop = begin(resolve, reject);
        signal?.addEventListener('abort', abort);
        this.#open.add(reject);
        over = () => {
          stop();
          signal?.removeEventListener('abort', abort);
          this.#open.delete(reject);
        };
      });
    } finally {
      over();
    }
  }
}
