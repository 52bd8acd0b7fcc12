import { onTestFinished } from 'vitest';
import type { ActivityContext } from '../../activities/activity-context.js';
import type { CallsOptions } from '../../activities/dependencies.js';
import { type Activities, type Call, createActivities, type Endpoint } from '../../activities/index.js';
import { OriginLimit } from '../../activities/origin-limit.js';
import { createSender } from '../../activities/send.js';
import { StopSignal } from '../../activities/stop-signal.js';
import { loadConfig } from '../../config/index.js';
import type { DeliveryInput, SendType } from '../../contract/index.js';
import type { Store } from '../../store/index.js';
import { unique } from './stores.js';

const CONFIG = loadConfig({});

export interface ActivitiesOptions {
  store: Store;
  calls?: Partial<CallsOptions>;
  limit?: number;
  schedule_ms?: number[];
  attemptTimeoutMs?: number;
}

/** The activities of one worker process, without a worker. */
export interface TestProcess extends Activities {
  /** Waits for the attempt's end. */
  deliver: Activities['deliverWebhook'];
  /** Waits inside a workflow task, and with patience. */
  deliverLocally: Activities['deliverWebhook'];
  stopping: StopSignal;
  /** What was told to those who recover endpoints. */
  delivered: Endpoint[];
  faults: string[];
  heartbeats: () => number;
  cancel: () => void;
  idle: () => Promise<void>;
}

export function startProcess(options: ActivitiesOptions): TestProcess {
  const { store, attemptTimeoutMs = 5_000, schedule_ms = CONFIG.retryPolicy.schedule_ms } = options;
  const sender = createSender({
    allowNetworks: ['127.0.0.0/8'],
    denyNetworks: [],
    timeoutMs: attemptTimeoutMs,
    userAgent: 'test',
  });
  const stopping = new StopSignal();
  const delivered: Endpoint[] = [];
  const faults: string[] = [];
  const cancellations = new Set<() => void>();
  let heartbeats = 0;
  const context: ActivityContext = {
    isLocal: false,
    runId: 'run',
    heartbeat: () => {
      heartbeats += 1;
    },
    onCancel: (listener) => {
      cancellations.add(listener);
      return () => cancellations.delete(listener);
    },
  };
  const { activities, idle } = createActivities({
    store,
    sender,
    ...(options.calls && { calls: { source: NO_CALLS, policy: CONFIG.calls.policy, ...options.calls } }),
    attemptTimeoutMs,
    retryPolicy: { ...CONFIG.retryPolicy, schedule_ms },
    originLimit: new OriginLimit({ limit: options.limit ?? CONFIG.maxInFlight }),
    onDelivered: (endpoint) => delivered.push(endpoint),
    onFault: (what) => faults.push(what),
    stopping,
    context: () => context,
  });
  onTestFinished(async () => {
    stopping.stop();
    await idle();
    await sender.close();
  });
  return {
    ...activities,
    deliver: activities.deliverWebhook,
    deliverLocally: (input) => {
      context.isLocal = true;
      const delivery = activities.deliverWebhook(input);
      context.isLocal = false;
      return delivery;
    },
    stopping,
    delivered,
    faults,
    heartbeats: () => heartbeats,
    cancel: () => {
      for (const listener of cancellations) listener();
    },
    idle,
  };
}

const NO_CALLS = { getCall: async (): Promise<Call | undefined> => undefined };

export interface DeliveryOptions {
  webhook_url: string;
  /** The call's text; null: none is stored yet. */
  payload?: string | null;
  send_type?: SendType;
  user_id?: string;
  accepted_at?: number;
}

/** One attempt, begun by itself. */
const LONE_ROUND = { number: 0, size: 1 };

/** A registered call, as its delivery is asked for. */
export async function registerDelivery(store: Store, options: DeliveryOptions): Promise<DeliveryInput> {
  const { webhook_url, payload = '{"a":1}', send_type = 'create', user_id = unique('user') } = options;
  const batch_id = `${unique('batch')}.0`;
  const call_id = unique('call');
  const [part] = await store.registerBatches({
    workflow_id: `postcall-${batch_id}`,
    accepted_at: options.accepted_at ?? Date.now(),
    calls: false,
    parts: [{ batch_id, user_id, send_type, webhook_url, call_ids: [call_id], offset: 0, total: 1 }],
  });
  const [endpoint] = part?.endpoints ?? [];
  if (!endpoint) throw new Error('nothing was registered');
  if (payload !== null) await store.storePayload({ batch_id, user_id, call_id, payload });
  return {
    batch_id,
    user_id,
    send_type,
    webhook_url,
    call_id,
    endpoint,
    remaining_ms: 72 * 3_600_000,
    round: LONE_ROUND,
  };
}
