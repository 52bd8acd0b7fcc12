const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 30_000;

/** Keeps calls from something that is away: one probe after 1 s, 2 s, 4 s ... 30 s, until it answers. */
export class Gate {
  /** Milliseconds since the epoch; 0 while it is open. */
  opensAt = 0;
  #delay = 0;
  #failures = 0;
  #outweighedUntil = 0;
  readonly #tolerance: number;

  /** `tolerance`: failures in a row that are not taken for an absence yet. */
  constructor(tolerance = 0) {
    this.#tolerance = tolerance;
  }

  /** As another run of the workflow takes it over. */
  get state(): [opensAt: number, delay: number, failures: number] {
    return [this.opensAt, this.#delay, this.#failures];
  }

  set state([opensAt, delay, failures]: [opensAt: number, delay: number, failures: number]) {
    this.opensAt = opensAt;
    this.#delay = delay;
    this.#failures = failures;
  }

  get isOpen(): boolean {
    return this.opensAt === 0;
  }

  /** How many may pass now. */
  places(now: number): number {
    if (this.isOpen) return Number.POSITIVE_INFINITY;
    return now >= this.opensAt ? 1 : 0;
  }

  /** `outweighs`: answers to what was asked before this time say nothing against it. */
  failed(now: number, outweighs = 0): void {
    this.#failures += 1;
    this.#outweighedUntil = Math.max(this.#outweighedUntil, outweighs);
    if (this.#failures <= this.#tolerance || this.opensAt > now) return;
    this.#delay = Math.min(this.#delay * 2 || FIRST_DELAY_MS, LONGEST_DELAY_MS);
    this.opensAt = now + this.#delay;
  }

  /** To what was asked at this time. */
  answered(askedAt: number): void {
    if (askedAt < this.#outweighedUntil) return;
    this.#failures = 0;
    this.#delay = 0;
    this.opensAt = 0;
  }
}
