const DEFAULT_LINES = 5;
const DEFAULT_WINDOW_MS = 60_000;

interface Window {
  startedAt: number;
  lines: number;
  leftOut: number;
}

export interface LineLimitOptions {
  /** Told at the end of a window how many lines were left out in it. */
  onLeftOut(key: string, count: number): void;
  /** Lines for each key and window. Default 5. */
  lines?: number;
  /** Milliseconds. Default a minute. */
  windowMs?: number;
  /** A monotonic clock in milliseconds. */
  now?: () => number;
}

/** Bounds the lines for each key and minute, so that what fails ten thousand times says so in a few lines and a count. */
export class LineLimit {
  readonly #options: LineLimitOptions;
  readonly #windows = new Map<string, Window>();
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LineLimitOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Whether a line may be written. */
  admits(key: string): boolean {
    const window = this.#windowOf(key);
    if (window.lines < (this.#options.lines ?? DEFAULT_LINES)) {
      window.lines += 1;
      return true;
    }
    window.leftOut += 1;
    return false;
  }

  /** Ends the windows that are over; all of them at the end of the process. */
  sweep({ all = false } = {}): void {
    const before = this.#now() - this.#windowMs;
    // In the order of their start.
    for (const [key, { startedAt, leftOut }] of this.#windows) {
      if (!all && startedAt > before) break;
      this.#windows.delete(key);
      if (leftOut > 0) this.#options.onLeftOut(key, leftOut);
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#windows.size > 0) this.#sweepLater();
  }

  get #windowMs(): number {
    return this.#options.windowMs ?? DEFAULT_WINDOW_MS;
  }

  #windowOf(key: string): Window {
    const known = this.#windows.get(key);
    if (known && known.startedAt > this.#now() - this.#windowMs) return known;
    if (known) this.sweep();
    const window = { startedAt: this.#now(), lines: 0, leftOut: 0 };
    this.#windows.set(key, window);
    if (!this.#timer) this.#sweepLater();
    return window;
  }

  #sweepLater(): void {
    this.#timer = setTimeout(() => this.sweep(), this.#windowMs);
    this.#timer.unref();
  }
}
