import { setTimeout as delay } from 'node:timers/promises';
import type { CallStanding, DeliveryEnd, WatchInput, WatchResult } from '../contract/index.js';
import { StoreUnavailableError } from '../store/index.js';
import type { WatchedStanding, WebhookRef } from '../store/store.js';
import { currentContext } from './activity-context.js';
import type { Dependencies } from './dependencies.js';
import type { RunningAttempts } from './running-attempts.js';

/** Well below the heartbeat timeout of 10 s, by which a dead worker is noticed. */
const HEARTBEAT_INTERVAL_MS = 2_000;
/** After the first end, for those that end at about the same time. */
const GATHER_MS = 100;
/** How often rows of attempts are read that other processes make. */
const POLL_INTERVAL_MS = 500;

type Ends = WatchResult['ends'];

/** A webhook to be watched, and its place in the answer. */
interface Watched {
  ref: WebhookRef;
  place: [group: number, index: number];
}

/**
 * Waits for attempts that outlasted their round: those of this process are listened to, of others the rows are read. Returns what has
 * ended shortly after the first ends, when all have ended, at the end of the window, or when the worker stops.
 */
export const createWatchAttempts =
  (deps: Dependencies, running: RunningAttempts) =>
  async ({ groups, window_ms }: WatchInput): Promise<WatchResult> => {
    const watched = groups.flatMap(({ call_ids, ...base }, group) =>
      call_ids.map((call_id, index): Watched => ({ ref: { ...base, call_id }, place: [group, index] })),
    );
    const watch = new Watch(deps, running, watched);
    const context = (deps.context ?? currentContext)();
    const beat = setInterval(() => context.heartbeat(), HEARTBEAT_INTERVAL_MS);
    const stopListening = [deps.stopping.onStop(() => watch.finish()), context.onCancel(() => watch.finish())];
    try {
      return { ends: await watch.run(window_ms) };
    } finally {
      clearInterval(beat);
      for (const stop of stopListening) stop();
    }
  };

class Watch {
  readonly #deps: Dependencies;
  readonly #running: RunningAttempts;
  readonly #left: Set<Watched>;
  readonly #ends: Ends = [];
  #finished = false;
  #finish: () => void = () => undefined;
  #gathering: NodeJS.Timeout | undefined;

  constructor(deps: Dependencies, running: RunningAttempts, watched: readonly Watched[]) {
    this.#deps = deps;
    this.#running = running;
    this.#left = new Set(watched);
  }

  async run(windowMs: number): Promise<Ends> {
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    const window = setTimeout(() => this.finish(), windowMs);
    const forget = this.#listen();
    const polling = this.#poll();
    if (this.#finished || this.#left.size === 0) this.finish();
    await finished;
    clearTimeout(window);
    clearTimeout(this.#gathering);
    for (const stop of forget) stop();
    await polling;
    return this.#ends;
  }

  /** Safe to repeat. */
  finish(): void {
    this.#finished = true;
    this.#finish();
  }

  /** To the attempts of this process, and takes the ends of those that have ended since they were left. */
  #listen(): (() => void)[] {
    const forget: (() => void)[] = [];
    for (const watched of this.#left) {
      const attempt = this.#running.find(watched.ref);
      if (attempt) {
        const listener = { onEnd: (end: DeliveryEnd | Error) => this.#ended(watched, end) };
        attempt.listen(listener);
        forget.push(() => attempt.forget(listener));
        continue;
      }
      const end = this.#running.takeEnd(watched.ref);
      if (end) this.#ended(watched, end);
    }
    return forget;
  }

  /** A fault of our own is looked up in the store like the attempt of another process. */
  #ended(watched: Watched, end: DeliveryEnd | Error): void {
    if (end instanceof Error || !this.#left.delete(watched)) return;
    this.#ends.push([...watched.place, end]);
    this.#gathering ??= setTimeout(() => this.finish(), GATHER_MS);
    if (this.#left.size === 0) this.finish();
  }

  async #poll(): Promise<void> {
    while (!this.#finished) {
      const elsewhere = [...this.#left].filter(({ ref }) => !this.#running.find(ref));
      if (elsewhere.length > 0) await this.#read(elsewhere);
      if (this.#finished) return;
      await Promise.race([delay(POLL_INTERVAL_MS), this.#whenFinished()]);
    }
  }

  #whenFinished(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#finish;
      this.#finish = () => {
        before();
        resolve();
      };
    });
  }

  async #read(elsewhere: readonly Watched[]): Promise<void> {
    try {
      const standings = await Promise.all(elsewhere.map(({ ref }) => this.#deps.store.readStanding(ref)));
      elsewhere.forEach((watched, index) => {
        const end = endOf(standings[index] as WatchedStanding);
        if (end) this.#ended(watched, end);
      });
    } catch (error) {
      // The window goes on: the database may be back before its end.
      if (!(error instanceof StoreUnavailableError)) this.#deps.onFault('attempts cannot be watched', error);
    }
  }
}

/** Undefined while the attempt is open. */
function endOf(standing: WatchedStanding): DeliveryEnd | undefined {
  switch (standing.kind) {
    case 'open':
      return undefined;
    case 'interrupted':
    case 'unknown':
      return { kind: 'interrupted' };
    case 'standing':
      return endOfStanding(standing.standing, standing.endpoint_failed);
  }
}

function endOfStanding(standing: CallStanding, endpoint_failed: boolean): DeliveryEnd | undefined {
  switch (standing.status) {
    case 'delivered':
      return { kind: 'delivered' };
    case 'rejected':
      return { kind: 'rejected', error: standing.error };
    case 'failed':
      return { kind: 'failed', error: standing.error, endpoint_failed };
    case 'canceled':
      return { kind: 'canceled', error: standing.error };
    case 'retrying':
      return { kind: 'retry', due_in: standing.due_in, endpoint_failed };
    case 'in_flight':
      return undefined;
  }
}
