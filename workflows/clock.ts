/**
 * The book's time, in milliseconds since the epoch: the same in a replay.
 *
 * The workflow's own time is not. A workflow task that answers a query ends before its local activities do. What they had answered by then,
 * and the workflow had not been given yet, a replay gives it earlier: at another time, and before the signals of the next task. So a chain
 * of local activities begins at the workflow's time, goes on by what they say they took, and reads no letters until it ends.
 */
export class Clock {
  #now: number;

  constructor(startedAt: number) {
    this.#now = startedAt;
  }

  get now(): number {
    return this.#now;
  }

  /** A chain begins: no local activity is under way. */
  beginChain(): void {
    this.#now = Math.max(this.#now, Date.now());
  }

  /** What was asked at this time has been answered so many milliseconds later. */
  answered(askedAt: number, took: number): void {
    this.#now = Math.max(this.#now, askedAt + took);
  }
}
