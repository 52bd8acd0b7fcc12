/** Tells that the worker stops. Unlike an AbortSignal it keeps nothing of those who have stopped listening, and costs nothing to ask. */
export class StopSignal {
  readonly #listeners = new Set<() => void>();
  #stopped = false;

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Calls the listener at most once, at once where it has stopped already. Returns how to listen no more. */
  onStop(listener: () => void): () => void {
    if (this.#stopped) listener();
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop(): void {
    this.#stopped = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}
