/** The book's time, in milliseconds since the epoch. It moves by what the history records, and by nothing else. */
export class Clock {
  #now: number;

  constructor(now: number) {
    this.#now = now;
  }

  get now(): number {
    return this.#now;
  }

  /** It never goes back. */
  moveTo(time: number): void {
    this.#now = Math.max(this.#now, time);
  }
}
