/**
 * The attempts that run in this process. Both lanes join the same attempt, so that one that outlasts the express lane's patience,
 * or an activity that is executed again while its attempt still runs here, is waited for and not repeated.
 */
export class RunningAttempts<T> {
  readonly #running = new Map<string, Promise<T>>();

  /** The running attempt of this key, or else a new one. */
  join(key: string, make: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const made = make().finally(() => this.#running.delete(key));
    // Whoever joined hears of a failure; when nobody waits any more, the store knows of it.
    made.catch(() => undefined);
    this.#running.set(key, made);
    return made;
  }

  get size(): number {
    return this.#running.size;
  }

  /** Resolves when no attempt runs, those included that start meanwhile. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running.values());
  }
}
