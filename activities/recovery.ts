import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { groupedBy } from '../contract/grouped-by.js';
import type { ProbeInterval, Store, WaitingWebhook } from '../store/store.js';
import type { Endpoint } from './dependencies.js';
import type { StopSignal } from './stop-signal.js';

/** Waiting webhooks that one delivery wakes: the pace rises as the endpoint proves healthy, and stops when it fails. */
const WAKES_PER_DELIVERY = 10;
/** Bounds one claim where many deliveries came at once, and one signal. */
const MAX_WAKES_AT_ONCE = 500;
/** How long an endpoint for which no webhook waited is not asked about again: a healthy one costs a query a second. */
const NOBODY_WAITS_MS = 1_000;
/** Signals of one claim under way at once. */
const MAX_SIGNALS = 20;

/** Webhooks of one workflow, as its `wake` signal takes them. */
export interface Wake {
  webhooks: { batch_id: string; call_ids: string[] }[];
}

export interface RecoveryOptions {
  store: Pick<Store, 'claimWaiting' | 'claimProbes'>;
  /** Signals `wake` to the workflow. */
  wake(workflowId: string, wake: Wake): Promise<void>;
  /** What could not be done now. Deliveries and probes go on; a webhook whose signal failed may be taken again after a minute. */
  onError(error: unknown): void;
  stopping: StopSignal;
  probeInterval: ProbeInterval;
}

/**
 * Spreads an endpoint's recovery: a delivery wakes webhooks that wait for the same user and URL, whatever batch they belong to. Probes: one
 * of the webhooks that wait for a failing endpoint is woken from time to time. So its return is noticed, however long their schedules have
 * grown.
 */
export class Recovery {
  readonly #options: RecoveryOptions;
  /** Deliveries to an endpoint since its last claim, for endpoints that are being asked about. */
  readonly #deliveries = new Map<string, number>();
  /** Ends the rests. */
  readonly #stopped = new AbortController();
  readonly #underway = new Set<Promise<void>>();

  constructor(options: RecoveryOptions) {
    this.#options = options;
    // Each endpoint that rests listens, and no longer than it rests: Node.js would take more than ten for a leak.
    setMaxListeners(0, this.#stopped.signal);
    options.stopping.onStop(() => this.#stopped.abort());
  }

  /** Looks again and again, and never twice at a time, until the worker stops. */
  start(): void {
    this.#track(this.#probes());
  }

  /** The first look comes at a random moment of the first interval: workers that start together do not look together. */
  async #probes(): Promise<void> {
    const { probeInterval, stopping, onError } = this.#options;
    await this.#rest(Math.random() * probeInterval.shortest_ms);
    while (!stopping.stopped) {
      const more = await this.#probe().catch(onError);
      if (!more) await this.#rest(probeInterval.shortest_ms);
    }
  }

  /** True when other endpoints may be due, too. */
  async #probe(): Promise<boolean> {
    const { webhooks, more } = await this.#options.store.claimProbes(this.#options.probeInterval);
    await this.#wake(webhooks);
    return more;
  }

  /** Resolves when nothing is under way any more. A signal is never cut off: its workflow tries what it has woken. */
  async idle(): Promise<void> {
    while (this.#underway.size > 0) await Promise.all(this.#underway);
  }

  /** Never waits, never throws: a delivery does not depend on it. */
  delivered(endpoint: Endpoint): void {
    const key = `${endpoint.user_id}\n${endpoint.url}`;
    const deliveries = this.#deliveries.get(key);
    this.#deliveries.set(key, (deliveries ?? 0) + 1);
    if (deliveries === undefined) this.#track(this.#spread(key, endpoint));
  }

  /** Goes on while deliveries come in. Then once more: a webhook that failed just before may be woken a second later. */
  async #spread(key: string, endpoint: Endpoint): Promise<void> {
    try {
      for (let deliveries = this.#takeDeliveries(key); deliveries > 0; deliveries = this.#takeDeliveries(key)) {
        if (await this.#wakeWaiting(endpoint, deliveries)) continue;
        await this.#rest(NOBODY_WAITS_MS);
        await this.#wakeWaiting(endpoint, 1);
      }
    } finally {
      this.#deliveries.delete(key);
    }
  }

  /** True when a webhook was waiting. */
  async #wakeWaiting(endpoint: Endpoint, deliveries: number): Promise<boolean> {
    if (this.#options.stopping.stopped) return false;
    const limit = Math.min(deliveries * WAKES_PER_DELIVERY, MAX_WAKES_AT_ONCE);
    const waiting = await this.#options.store.claimWaiting({ ...endpoint, limit });
    if (waiting.length > 0) await this.#wake(waiting);
    return waiting.length > 0;
  }

  #takeDeliveries(key: string): number {
    const deliveries = this.#options.stopping.stopped ? 0 : (this.#deliveries.get(key) ?? 0);
    this.#deliveries.set(key, 0);
    return deliveries;
  }

  async #rest(ms: number): Promise<void> {
    try {
      await delay(ms, undefined, { signal: this.#stopped.signal });
    } catch (error) {
      // Stopping ends the rest: other workers wake it, or its schedule does.
      if (!this.#stopped.signal.aborted) throw error;
    }
  }

  async #wake(waiting: readonly WaitingWebhook[]): Promise<void> {
    const wakes = wakesOf(waiting).values();
    const signal = async () => {
      for (const [workflowId, wake] of wakes) await this.#options.wake(workflowId, wake).catch(this.#options.onError);
    };
    await Promise.all(Array.from({ length: MAX_SIGNALS }, signal));
  }

  #track(work: Promise<void>): void {
    const tracked = work.catch(this.#options.onError).finally(() => this.#underway.delete(tracked));
    this.#underway.add(tracked);
  }
}

/** One signal for each workflow, or more where it would hold more than 500 webhooks. */
export function wakesOf(waiting: readonly WaitingWebhook[]): [workflowId: string, wake: Wake][] {
  const wakes: [string, Wake][] = [];
  for (const [workflowId, ofWorkflow] of groupedBy(waiting, ({ workflow_id }) => workflow_id)) {
    for (let from = 0; from < ofWorkflow.length; from += MAX_WAKES_AT_ONCE) {
      const byBatch = groupedBy(ofWorkflow.slice(from, from + MAX_WAKES_AT_ONCE), ({ batch_id }) => batch_id);
      const webhooks = [...byBatch].map(([batch_id, ofBatch]) => ({
        batch_id,
        call_ids: ofBatch.map(({ call_id }) => call_id),
      }));
      wakes.push([workflowId, { webhooks }]);
    }
  }
  return wakes;
}
