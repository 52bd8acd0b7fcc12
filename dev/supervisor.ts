import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { StackError } from './stack-error.js';

/** A part of the stack, as its supervisor handles it. */
export interface SupervisedPart<T> {
  /** For people: "the worker". */
  name: string;
  /** `signal` is aborted when the part is not wanted any more. */
  start(signal?: AbortSignal): Promise<T>;
  /** Whether it works. May fail, which is no yes, or never answer; is asked once at a time. */
  works(part: T): Promise<boolean>;
  /** Milliseconds without a yes until it is started again. */
  patienceMs: number;
  /** What that means: "has not answered". */
  silence: string;
  /** Resolves to what has happened when it has ended by itself: "has ended (SIGKILL)". */
  ended(part: T): Promise<string>;
  /** Ends one that does not work. */
  discard(part: T): Promise<unknown>;
}

export interface SupervisorOptions {
  logger: Logger;
  /** Milliseconds between two questions. Default 500. */
  intervalMs?: number;
  /** Milliseconds between a start that failed and the next. Default 5,000. */
  pauseMs?: number;
}

/** More restarts than that do not help. */
const MAX_RESTARTS = 5;
const RESTARTS_WITHIN_MS = 300_000;

/** Keeps a part of the stack working. One that ends, or does not work for a time, is started again, and an ERROR line says so. */
export class Supervisor<T> {
  /** Resolves to what has happened when restarts do not help. */
  readonly failed: Promise<Error>;
  readonly #of: SupervisedPart<T>;
  readonly #logger: Logger;
  readonly #intervalMs: number;
  readonly #pauseMs: number;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #restarts: number[] = [];
  #part: T | undefined;
  #fail: (error: Error) => void = () => undefined;

  /** Starts the part. Throws what its start throws. */
  static async start<T>(
    of: SupervisedPart<T>,
    options: SupervisorOptions,
    signal?: AbortSignal,
  ): Promise<Supervisor<T>> {
    return new Supervisor(of, options, await of.start(signal));
  }

  private constructor(
    of: SupervisedPart<T>,
    { logger, intervalMs = 500, pauseMs = 5_000 }: SupervisorOptions,
    part: T,
  ) {
    this.#of = of;
    this.#logger = logger;
    this.#intervalMs = intervalMs;
    this.#pauseMs = pauseMs;
    this.#part = part;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    this.#running = this.#supervise(part);
  }

  /** Undefined between an end and the next start. */
  get part(): T | undefined {
    return this.#part;
  }

  /** Ends the supervision, and resolves to the part, which is its owner's to stop; to undefined where none is running. */
  async release(): Promise<T | undefined> {
    this.#stopping.abort();
    await this.#running;
    return this.#part;
  }

  async #supervise(part: T): Promise<void> {
    const { name } = this.#of;
    for (let trouble = await this.#trouble(part); trouble !== undefined; trouble = await this.#startAgain()) {
      const what = `${name} ${trouble}`;
      if (!this.#mayRestart()) {
        this.#fail(new StackError('RESTARTS_EXHAUSTED', `${what}, and ${MAX_RESTARTS} restarts have not helped.`));
        return;
      }
      this.#logger.error(`${what}: it is started again`);
    }
  }

  #mayRestart(): boolean {
    const now = performance.now();
    this.#restarts = [...this.#restarts.filter((at) => now - at < RESTARTS_WITHIN_MS), now];
    return this.#restarts.length <= MAX_RESTARTS;
  }

  /** Resolves to the next trouble. */
  async #startAgain(): Promise<string | undefined> {
    const { signal } = this.#stopping;
    try {
      if (this.#part !== undefined) await this.#of.discard(this.#part);
      this.#part = undefined;
      signal.throwIfAborted();
      this.#part = await this.#of.start(signal);
    } catch (error) {
      await delay(this.#pauseMs, undefined, { signal }).catch(() => undefined);
      return signal.aborted ? undefined : `could not be started (${error instanceof Error ? error.message : error})`;
    }
    this.#logger.warn(`${this.#of.name} works again`);
    return this.#trouble(this.#part);
  }

  /** Resolves to what is wrong with the part; to undefined when the supervision ends. */
  async #trouble(part: T): Promise<string | undefined> {
    const over = new AbortController();
    const stop = () => over.abort();
    this.#stopping.signal.addEventListener('abort', stop);
    if (this.#stopping.signal.aborted) stop();
    try {
      return await Promise.race([this.#of.ended(part), this.#silence(part, over.signal)]);
    } finally {
      this.#stopping.signal.removeEventListener('abort', stop);
      stop();
    }
  }

  async #silence(part: T, signal: AbortSignal): Promise<string | undefined> {
    let silentMs = 0;
    let isAsked = false;
    const ask = async () => {
      isAsked = true;
      // Why it fails is in its own log.
      if (await this.#of.works(part).catch(() => false)) silentMs = 0;
      isAsked = false;
    };
    for (let last = performance.now(); !signal.aborted; last = performance.now()) {
      if (!isAsked) void ask();
      await delay(this.#intervalMs, undefined, { signal }).catch(() => undefined);
      // While this process was itself held up, it heard nothing.
      silentMs += Math.min(performance.now() - last, 2 * this.#intervalMs);
      if (silentMs >= this.#of.patienceMs) return `${this.#of.silence} for ${Math.round(silentMs / 1_000)} s`;
    }
    return undefined;
  }
}
