import type { DeliveryEnd, WatchInput, WatchResult } from '../contract/index.js';
import { StoreUnavailableError } from '../store/index.js';
import type { WatchedStanding, WebhookRef } from '../store/store.js';
import { type ActivityContext, currentContext } from './activity-context.js';
import type { Dependencies } from './dependencies.js';
import type { AttemptListener, AttemptResult, RunningAttempt, RunningAttempts } from './running-attempts.js';
import { endOfStanding } from './standing.js';

/** How often attempts that other processes make are read from the store. */
const POLL_INTERVAL_MS = 500;
/** From the first end to the watch's own: what ends at about the same time comes back together. */
const GATHER_MS = 100;
/** Well below the heartbeat timeout of 10 s, by which a dead worker is noticed. */
const HEARTBEAT_INTERVAL_MS = 2_000;
/** Looks at which nothing is known of an attempt before it counts as lost: another process may be about to open it. */
const UNKNOWN_LOOKS = 3;

/**
 * Creates the activity that waits for attempts that outlasted their local activity. It returns soon after the first ends, and after
 * `window_ms` at the latest, with the ends that there are; at once when the worker stops. The attempts go on without it.
 */
export const createWatchAttempts =
  (deps: Dependencies, attempts: RunningAttempts) =>
  (input: WatchInput): Promise<WatchResult> =>
    new Watch(deps, attempts, input).run((deps.context ?? currentContext)());

interface Remote extends WebhookRef {
  group: number;
  index: number;
  unknownLooks: number;
}

class Watch {
  readonly #deps: Dependencies;
  readonly #attempts: RunningAttempts;
  readonly #input: WatchInput;
  readonly #ends: WatchResult['ends'] = [];
  readonly #local: { attempt: RunningAttempt; listener: AttemptListener }[] = [];
  /** Attempts that do not run in this process. */
  readonly #remote = new Set<Remote>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #over: Promise<void>;
  #end!: () => void;
  #isOver = false;
  #open = 0;

  constructor(deps: Dependencies, attempts: RunningAttempts, input: WatchInput) {
    this.#deps = deps;
    this.#attempts = attempts;
    this.#input = input;
    this.#over = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async run(context: ActivityContext): Promise<WatchResult> {
    this.#begin();
    const beat = setInterval(() => context.heartbeat(), HEARTBEAT_INTERVAL_MS);
    const forgetStop = this.#deps.stopping.onStop(this.#end);
    const forgetCancel = context.onCancel(this.#end);
    this.#timers.push(setTimeout(this.#end, this.#input.window_ms));
    if (this.#remote.size > 0) void this.#poll();
    try {
      await this.#over;
    } finally {
      this.#isOver = true;
      clearInterval(beat);
      for (const timer of this.#timers) clearTimeout(timer);
      for (const { attempt, listener } of this.#local) attempt.forget(listener);
      forgetStop();
      forgetCancel();
    }
    return { ends: this.#ends };
  }

  #begin(): void {
    for (const [group, { call_ids, batch_id, user_id }] of this.#input.groups.entries()) {
      this.#open += call_ids.length;
      for (const [index, call_id] of call_ids.entries())
        this.#watch({ batch_id, user_id, call_id, group, index, unknownLooks: 0 });
    }
    if (this.#open === 0) this.#end();
  }

  #watch(webhook: Remote): void {
    const { group, index } = webhook;
    const ended = this.#attempts.takeEnd(webhook);
    if (ended) {
      this.#note(group, index, ended);
      return;
    }
    const attempt = this.#attempts.find(webhook);
    if (!attempt) {
      this.#remote.add(webhook);
      return;
    }
    const listener = { onEnd: (end: AttemptResult) => this.#note(group, index, end) };
    attempt.listen(listener);
    this.#local.push({ attempt, listener });
  }

  #note(group: number, index: number, end: AttemptResult): void {
    // A fault of our own: the attempt's row says what is to be done, when the webhook is opened again.
    this.#ends.push([group, index, end instanceof Error ? { kind: 'interrupted' } : end]);
    this.#open -= 1;
    if (this.#open === 0) this.#end();
    else if (this.#ends.length === 1) this.#timers.push(setTimeout(this.#end, GATHER_MS));
  }

  async #poll(): Promise<void> {
    await Promise.all([...this.#remote].map((webhook) => this.#look(webhook)));
    if (this.#isOver || this.#remote.size === 0) return;
    this.#timers.push(setTimeout(() => void this.#poll(), POLL_INTERVAL_MS));
  }

  async #look(webhook: Remote): Promise<void> {
    const standing = await this.#read(webhook);
    const end = standing && endOf(standing, webhook);
    if (!end || this.#isOver) return;
    this.#remote.delete(webhook);
    this.#note(webhook.group, webhook.index, end);
  }

  /** Undefined when it cannot be said now. */
  async #read({ batch_id, user_id, call_id }: WebhookRef): Promise<WatchedStanding | undefined> {
    try {
      return await this.#deps.store.readStanding({ batch_id, user_id, call_id });
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) this.#deps.onFault('a watched attempt could not be read', error);
      return undefined;
    }
  }
}

/** Undefined while it is in flight. */
function endOf(standing: WatchedStanding, webhook: Remote): DeliveryEnd | undefined {
  switch (standing.kind) {
    case 'open':
      return undefined;
    case 'interrupted':
      return { kind: 'interrupted' };
    case 'unknown':
      webhook.unknownLooks += 1;
      return webhook.unknownLooks < UNKNOWN_LOOKS ? undefined : { kind: 'interrupted' };
    case 'standing': {
      if (standing.standing.status === 'in_flight') return undefined;
      return endOfStanding(standing.standing, { endpoint_failed: standing.endpoint_failed });
    }
  }
}
