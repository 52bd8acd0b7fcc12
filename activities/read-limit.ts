/** Reads under way that have not proved slow. */
const DEFAULT_QUICK = 50;
/** After this long a read stops counting among them: calls whose reading hangs do not hold up the others. */
const SLOW_AFTER_MS = 1_000;
/** All reads under way, the slow ones included. */
const DEFAULT_ALL = 1_000;

export interface ReadLimitOptions {
  /** Default 50. */
  quick?: number;
  /** Default 1,000. */
  all?: number;
}

/** Bounds how many calls this process reads from their source at once. */
export class ReadLimit {
  readonly #limits: Required<ReadLimitOptions>;
  readonly #waiting: (() => void)[] = [];
  #quick = 0;
  #all = 0;

  constructor({ quick = DEFAULT_QUICK, all = DEFAULT_ALL }: ReadLimitOptions = {}) {
    this.#limits = { quick, all };
  }

  /** Reads as soon as there is room. */
  async run<T>(read: () => Promise<T>): Promise<T> {
    if (!this.#hasRoom) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#take();
    let quick = true;
    const turnSlow = setTimeout(() => {
      quick = false;
      this.#quick -= 1;
      this.#admit();
    }, SLOW_AFTER_MS);
    try {
      return await read();
    } finally {
      clearTimeout(turnSlow);
      if (quick) this.#quick -= 1;
      this.#all -= 1;
      this.#admit();
    }
  }

  get #hasRoom(): boolean {
    return this.#quick < this.#limits.quick && this.#all < this.#limits.all;
  }

  #take(): void {
    this.#quick += 1;
    this.#all += 1;
  }

  /** Takes the place for the one who waits longest before it runs: a later caller finds it taken. */
  #admit(): void {
    while (this.#hasRoom) {
      const start = this.#waiting.shift();
      if (!start) return;
      this.#take();
      start();
    }
  }
}
