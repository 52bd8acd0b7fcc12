import type { BatchStart } from './batch-start.js';
import { ServiceRefusedError, ServiceUnavailableError } from './errors/index.js';
import { MAX_GROUP_CALLS, StartQueue, type WaitingStart } from './start-queue.js';

/** How small requests share workflows. */
export interface GroupingOptions {
  /** Milliseconds between two shared starts, under load: an idle client starts at once. 0 to 1,000. Default 50. */
  interval_ms?: number;
  /** Calls of one workflow, 1 to 500. Default 500. */
  max_calls?: number;
}

/** Calls of a request that may share a workflow. */
const MAX_CALLS_OF_SMALL = 10;
/** Milliseconds for which a request may wait for its start. */
const MAX_WAIT_MS = 4_000;
const MAX_INTERVAL_MS = 1_000;
const CHECK_INTERVAL_MS = 250;
/** Weight of the last start in the mean duration of starts. */
const SMOOTHING = 0.3;

/** Starts one workflow, and resolves to a batch ID for each of its requests. */
export type StartGroup = (group: readonly BatchStart[]) => Promise<readonly string[]>;

/**
 * Lets small requests share workflows. At most one start is under way. Requests that come meanwhile share the next one; under load, so do
 * those that come within the interval after a start. Every request that is taken in is started, or fails with an error that says why.
 */
export class GroupedStarts {
  readonly #startGroup: StartGroup;
  readonly #intervalMs: number;
  readonly #queue: StartQueue;
  #running: Promise<void> | undefined;
  #closing = false;
  /** Ends a pause. */
  #wake: (() => void) | undefined;
  /** When the last start began. */
  #startedAt = Number.NEGATIVE_INFINITY;
  #isStarting = false;
  #wasShared = false;
  #meanDuration = 0;

  /** Throws `RangeError`. */
  constructor(startGroup: StartGroup, { interval_ms = 50, max_calls = MAX_GROUP_CALLS }: GroupingOptions = {}) {
    if (!(interval_ms >= 0 && interval_ms <= MAX_INTERVAL_MS)) {
      throw new RangeError(`grouping.interval_ms must be from 0 to ${MAX_INTERVAL_MS}`);
    }
    if (!(max_calls >= 1 && max_calls <= MAX_GROUP_CALLS)) {
      throw new RangeError(`grouping.max_calls must be from 1 to ${MAX_GROUP_CALLS}`);
    }
    this.#startGroup = startGroup;
    this.#intervalMs = interval_ms;
    this.#queue = new StartQueue(max_calls);
  }

  /** A large request gains nothing; one with an idempotency key needs a workflow of its own. */
  takes({ request, repeatable }: BatchStart): boolean {
    return !repeatable && request.call_ids.length <= MAX_CALLS_OF_SMALL;
  }

  /** Resolves to the batch's ID. Throws `ServiceUnavailableError` at once when the start would come too late. */
  async start(start: BatchStart): Promise<string> {
    if (this.#closing) throw new ServiceUnavailableError('the client was closed');
    this.#refuseOverload(start);
    return new Promise((resolve, reject) => {
      this.#queue.add({ start, since: performance.now(), resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when every request that was taken in has been answered. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#wake?.();
    await this.#running;
  }

  #refuseOverload(start: BatchStart): void {
    if (!this.#running) return;
    const current = this.#isStarting ? performance.now() - this.#startedAt : 0;
    const pace = Math.max(this.#intervalMs, this.#meanDuration, current);
    if (this.#queue.groupsWith(start) * pace <= MAX_WAIT_MS) return;
    throw new ServiceUnavailableError(`${this.#queue.length} requests wait for their start`);
  }

  async #run(): Promise<void> {
    // Requests of the same turn share the first start.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      await this.#pause();
      this.#giveUpLate();
      const group = this.#queue.takeGroup();
      if (group.length > 0) await this.#startTimed(group);
    }
    this.#running = undefined;
  }

  async #pause(): Promise<void> {
    const isUnderLoad = this.#wasShared || this.#queue.length > 1;
    const rest = this.#startedAt + this.#intervalMs - performance.now();
    if (this.#closing || !isUnderLoad || rest <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, rest);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  async #startTimed(group: readonly WaitingStart[]): Promise<void> {
    const check = setInterval(() => this.#giveUpLate(), CHECK_INTERVAL_MS);
    this.#startedAt = performance.now();
    this.#isStarting = true;
    this.#wasShared = group.length > 1;
    try {
      await this.#startAll(group);
    } finally {
      clearInterval(check);
      this.#isStarting = false;
      const duration = performance.now() - this.#startedAt;
      this.#meanDuration += SMOOTHING * (duration - this.#meanDuration);
    }
  }

  /** A group that the service refuses for its content is halved, until the request at fault is alone. */
  async #startAll(group: readonly WaitingStart[]): Promise<void> {
    try {
      const batchIds = await this.#startGroup(group.map(({ start }) => start));
      for (const [index, { resolve }] of group.entries()) resolve(batchIds[index] ?? '');
    } catch (error) {
      if (group.length === 1 || !(error instanceof ServiceRefusedError) || !error.forContent) {
        for (const { reject } of group) reject(error);
        return;
      }
      const middle = Math.ceil(group.length / 2);
      await this.#startAll(group.slice(0, middle));
      await this.#startAll(group.slice(middle));
    }
  }

  #giveUpLate(): void {
    const late = this.#queue.takeOlderThan(performance.now() - MAX_WAIT_MS);
    for (const { reject } of late) reject(new ServiceUnavailableError(`no start within ${MAX_WAIT_MS} ms`));
  }
}
