import type { Store, WaitingWebhook } from '../store/store.js';
import { type Endpoint, endpointKey } from './dependencies.js';

/** Waiting webhooks that one delivery wakes: the pace rises as the endpoint proves healthy, and stops when it fails. */
const WAKES_PER_DELIVERY = 10;
/** How long an endpoint that had nobody waiting is not asked about again: a healthy one costs a query a second. */
const NOBODY_WAITS_MS = 1_000;
const DEFAULT_PROBE_INTERVAL_MS = 30_000;

export interface RecoveryOptions {
  store: Store;
  /** Signals `retryNow` to the batch. */
  retryNow(batchId: string, callIds: string[]): Promise<void>;
  /** What could not be done now; it is tried again with the next delivery or probe. */
  onError(error: unknown): void;
  /** A down endpoint is tried at least this often, in milliseconds. Default 30 s. */
  probeIntervalMs?: number;
}

interface Waking {
  /** Deliveries since the last claim. */
  deliveries: number;
  nobodyWaitsUntil: number;
  running: boolean;
}

/**
 * Spreads an endpoint's recovery: a delivery wakes webhooks that wait for the same user and URL, whatever batch they belong to.
 * And probes: of the webhooks that wait for a down endpoint one is woken from time to time, so that its return is noticed
 * however long their schedules have grown.
 */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #waking = new Map<string, Waking>();
  readonly #underway = new Set<Promise<void>>();
  #probeTimer: NodeJS.Timeout | undefined;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  start(): void {
    const interval_ms = this.#options.probeIntervalMs ?? DEFAULT_PROBE_INTERVAL_MS;
    this.#probeTimer = setInterval(() => this.#track(this.#probe(interval_ms)), interval_ms);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    clearInterval(this.#probeTimer);
    while (this.#underway.size > 0) await Promise.allSettled(this.#underway);
  }

  /** Never waits, never throws: a delivery does not depend on it. */
  delivered(endpoint: Endpoint): void {
    const key = endpointKey(endpoint);
    const waking = this.#waking.get(key) ?? { deliveries: 0, nobodyWaitsUntil: 0, running: false };
    this.#waking.set(key, waking);
    waking.deliveries += 1;
    if (waking.running || waking.nobodyWaitsUntil > Date.now()) return;
    this.#track(this.#wake(key, endpoint, waking));
  }

  async #wake(key: string, endpoint: Endpoint, waking: Waking): Promise<void> {
    waking.running = true;
    try {
      while (waking.deliveries > 0) {
        const limit = waking.deliveries * WAKES_PER_DELIVERY;
        waking.deliveries = 0;
        const waiting = await this.#options.store.claimWaiting({ ...endpoint, limit });
        if (waiting.length === 0) {
          waking.nobodyWaitsUntil = Date.now() + NOBODY_WAITS_MS;
          break;
        }
        await this.#retryNow(waiting);
      }
    } finally {
      waking.running = false;
      waking.deliveries = 0;
      this.#forgetLater(key, waking);
    }
  }

  async #probe(interval_ms: number): Promise<void> {
    await this.#retryNow(await this.#options.store.claimProbes({ interval_ms }));
  }

  /** One signal for each batch. */
  async #retryNow(waiting: readonly WaitingWebhook[]): Promise<void> {
    const byBatch = new Map<string, string[]>();
    for (const { batch_id, call_id } of waiting) {
      byBatch.set(batch_id, [...(byBatch.get(batch_id) ?? []), call_id]);
    }
    await Promise.all([...byBatch].map(([batchId, callIds]) => this.#options.retryNow(batchId, callIds)));
  }

  #track(work: Promise<void>): void {
    const tracked = work.catch(this.#options.onError).finally(() => this.#underway.delete(tracked));
    this.#underway.add(tracked);
  }

  /** Endpoints that are not used any more do not stay in memory. */
  #forgetLater(key: string, waking: Waking): void {
    setTimeout(() => {
      if (!waking.running && waking.nobodyWaitsUntil <= Date.now()) this.#waking.delete(key);
    }, 2 * NOBODY_WAITS_MS).unref();
  }
}
