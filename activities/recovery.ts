import { setTimeout as delay } from 'node:timers/promises';
import type { Store, WaitingWebhook } from '../store/store.js';
import { type Endpoint, endpointKey } from './dependencies.js';

/** Waiting webhooks that one delivery wakes: the pace rises as the endpoint proves healthy, and stops when it fails. */
const WAKES_PER_DELIVERY = 10;
/** Bounds one claim where many deliveries came at once. */
const MAX_WAKES_AT_ONCE = 500;
/** How long an endpoint that had nobody waiting is not asked about again: a healthy one costs a query a second. */
const NOBODY_WAITS_MS = 1_000;
const DEFAULT_PROBE_INTERVAL_MS = 30_000;

export interface RecoveryOptions {
  store: Store;
  /** Signals `wake` to a workflow, with calls of its batches. */
  wake(workflowId: string, webhooks: { batch_id: string; call_ids: string[] }[]): Promise<void>;
  /** What could not be done now; it is tried again with the next delivery or probe. */
  onError(error: unknown): void;
  /** A down endpoint is tried at least this often, in milliseconds. Default 30 s. */
  probeIntervalMs?: number;
}

/**
 * Spreads an endpoint's recovery: a delivery wakes webhooks that wait for the same user and URL, whatever batch they belong to.
 * And probes: of the webhooks that wait for a down endpoint one is woken from time to time, so that its return is noticed
 * however long their schedules have grown.
 */
export class Recovery {
  readonly #options: RecoveryOptions;
  /** Deliveries to an endpoint since its last claim, for endpoints that are being asked about. */
  readonly #deliveries = new Map<string, number>();
  readonly #stopped = new AbortController();
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
    this.#stopped.abort();
    while (this.#underway.size > 0) await Promise.allSettled(this.#underway);
  }

  /** Never waits, never throws: a delivery does not depend on it. */
  delivered(endpoint: Endpoint): void {
    const key = endpointKey(endpoint);
    const deliveries = this.#deliveries.get(key);
    this.#deliveries.set(key, (deliveries ?? 0) + 1);
    if (deliveries === undefined) this.#track(this.#wake(key, endpoint));
  }

  /** Until there is no delivery that has not woken anyone. */
  async #wake(key: string, endpoint: Endpoint): Promise<void> {
    try {
      for (let deliveries = this.#takeDeliveries(key); deliveries > 0; deliveries = this.#takeDeliveries(key)) {
        const limit = Math.min(deliveries * WAKES_PER_DELIVERY, MAX_WAKES_AT_ONCE);
        const waiting = await this.#options.store.claimWaiting({ ...endpoint, limit });
        if (waiting.length > 0) await this.#wakeAll(waiting);
        else await this.#rest();
      }
    } finally {
      this.#deliveries.delete(key);
    }
  }

  #takeDeliveries(key: string): number {
    const deliveries = this.#stopped.signal.aborted ? 0 : (this.#deliveries.get(key) ?? 0);
    this.#deliveries.set(key, 0);
    return deliveries;
  }

  async #rest(): Promise<void> {
    try {
      await delay(NOBODY_WAITS_MS, undefined, { signal: this.#stopped.signal });
    } catch (error) {
      // Stopping ends the rest: what is left is woken by other workers, or by its schedule.
      if (!this.#stopped.signal.aborted) throw error;
    }
  }

  async #probe(interval_ms: number): Promise<void> {
    await this.#wakeAll(await this.#options.store.claimProbes({ interval_ms }));
  }

  /** One signal for each workflow. */
  async #wakeAll(waiting: readonly WaitingWebhook[]): Promise<void> {
    const byWorkflow = new Map<string, Map<string, string[]>>();
    for (const { workflow_id, batch_id, call_id } of waiting) {
      const batches = byWorkflow.get(workflow_id) ?? new Map<string, string[]>();
      batches.set(batch_id, [...(batches.get(batch_id) ?? []), call_id]);
      byWorkflow.set(workflow_id, batches);
    }
    const signals = [...byWorkflow].map(([workflowId, batches]) =>
      this.#options.wake(
        workflowId,
        [...batches].map(([batch_id, call_ids]) => ({ batch_id, call_ids })),
      ),
    );
    await Promise.all(signals);
  }

  #track(work: Promise<void>): void {
    const tracked = work.catch(this.#options.onError).finally(() => this.#underway.delete(tracked));
    this.#underway.add(tracked);
  }
}
