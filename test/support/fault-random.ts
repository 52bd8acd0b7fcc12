import { createHash } from 'node:crypto';
import { inject } from 'vitest';

/** One seed and purpose give the same numbers, in any order of the purposes. */
export class Random {
  readonly #seed: string;
  #drawn = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** Randomness of its own for one purpose: the same however much was drawn for others. */
  for(purpose: string): Random {
    return new Random(`${this.#seed}\n${purpose}`);
  }

  /** In [0, 1). */
  next(): number {
    const digest = createHash('sha256')
      .update(`${this.#seed}\n#${this.#drawn++}`)
      .digest();
    return digest.readUIntBE(0, 6) / 2 ** 48;
  }

  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const keyed = items.map((item) => ({ item, key: this.next() }));
    return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
  }
}

/** The randomness of one scenario: FAULT_SEED, or what the suite has drawn and printed. */
export const randomOf = (scenario: string): Random => new Random(`${inject('faultSeed')}\n${scenario}`);
