import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { onTestFinished } from 'vitest';
import type { Activities } from '../../activities/index.js';
import { inRealTime } from '../../activities/keep-book.js';
import {
  type BatchRequest,
  batchId,
  type CheckpointInput,
  DELIVER_WORKFLOW,
  type DeliveryEnd,
  type DeliveryInput,
  markOf,
  type RegisterInput,
  type SettleInput,
  searchAttributesOf,
  type WatchedGroup,
  workflowIdOf,
} from '../../contract/index.js';
import type { deliverWebhooks } from '../../workflows/index.js';
import { freshPart } from './book-world.js';
import { replayRuns } from './histories.js';
import { connectClient, startTestWorker, type TestWorkerOptions } from './temporal.js';

/** What the activities of a test do; each has a default of its own. */
export interface Script {
  /** Before the store registers. */
  register?: (input: RegisterInput) => Promise<void> | void;
  /** Before a chain of local activities goes on. */
  begin?: () => Promise<void>;
  deliver?: (input: DeliveryInput) => Promise<DeliveryEnd> | DeliveryEnd;
  /** How an attempt that went on has ended. Default: delivered. */
  watch?: (batchId: string, callId: string) => Promise<DeliveryEnd> | DeliveryEnd;
  /** Endpoint of each call, by its label. Default: the batch's URL. */
  endpointOf?: (callId: string) => string;
  horizonMs?: number;
  /** What the store knows of a pause. Default: none. */
  pausedSince?: () => number | null;
  /** Whether the start carries the search attributes. Default true. */
  searchAttributes?: boolean;
  /** False: the store is away. */
  storeAnswers?: () => boolean;
  /** Of its worker. */
  worker?: TestWorkerOptions;
}

export interface ScriptedRun {
  client: Client;
  handle: WorkflowHandleWithFirstExecutionRunId<typeof deliverWebhooks>;
  taskQueue: string;
  /** Calls in the order of their attempts. */
  sent: string[];
  checkpoints: CheckpointInput[];
  settled: SettleInput[];
  /** On the same task queue. */
  startAnother: (...batches: ScriptedBatch[]) => Promise<ScriptedRun['handle']>;
  stopWorker: () => Promise<void>;
  startWorker: () => Promise<void>;
}

export type ScriptedBatch = Partial<BatchRequest> & { call_ids: string[] };

/** Makes runs continue as new after 80 events. */
export function withShortRuns(code: string): string {
  const short = code.replace(/MAX_RUN_EVENTS = 4_?000/, 'MAX_RUN_EVENTS = 80');
  if (short === code) throw new Error('no MAX_RUN_EVENTS in the code');
  return short;
}

/** A workflow on a worker whose activities the test plays. Every run is replayed when the test ends. */
export async function startScripted(script: Script, ...batches: ScriptedBatch[]): Promise<ScriptedRun> {
  const client = await connectClient();
  const run = { sent: [] as string[], checkpoints: [] as CheckpointInput[], settled: [] as SettleInput[] };
  const activities = scriptedActivities(script, run);
  const options = { activities: { ...activities }, ...script.worker };
  const worker = await startTestWorker(options);
  let running: { stop: () => Promise<void> } = worker;
  const { taskQueue } = worker;
  const start = (requested: ScriptedBatch[]) =>
    startWorkflow(client, taskQueue, script.searchAttributes ?? true, requested);
  return {
    client,
    handle: await start(batches),
    startAnother: (...others) => start(others),
    taskQueue,
    ...run,
    stopWorker: () => running.stop(),
    startWorker: async () => {
      running = await startTestWorker({ ...options, taskQueue });
    },
  };
}

async function startWorkflow(
  client: Client,
  taskQueue: string,
  carries: boolean,
  batches: ScriptedBatch[],
): Promise<ScriptedRun['handle']> {
  const part = `b_${randomUUID()}`;
  const requests = batches.map(
    (batch, index): BatchRequest => ({
      batch_id: batchId(part, String(index)),
      user_id: 'u-1',
      webhook_url: 'http://one',
      send_type: 'create',
      ...batch,
    }),
  );
  const handle = await client.workflow.start<typeof deliverWebhooks>(DELIVER_WORKFLOW, {
    workflowId: workflowIdOf(requests[0]?.batch_id ?? ''),
    taskQueue,
    ...(carries ? { args: [{ batches: requests, search_attributes: true }] } : { args: [{ batches: requests }] }),
    ...(carries && { typedSearchAttributes: searchAttributesOf(requests) }),
  });
  onTestFinished(() => replayRuns(client, handle.workflowId));
  return handle;
}

function scriptedActivities(script: Script, run: Pick<ScriptedRun, 'sent' | 'checkpoints' | 'settled'>): Activities {
  const answers = () => script.storeAnswers?.() ?? true;
  return {
    registerBatches: async (input) => {
      const beginning = input.beginning && inRealTime(input.beginning);
      await script.register?.(input);
      if (!answers()) return { kind: 'store_away', took: 0, ...(beginning && { beginning }) };
      const horizon_ms = script.horizonMs ?? 72 * 3_600_000;
      const parts = registeredParts(input, script);
      return { kind: 'registered', horizon_ms, parts, took: 0, ...(beginning && { beginning }) };
    },
    recordBeginning: async (beginning) => {
      await script.begin?.();
      return inRealTime(beginning);
    },
    deliverWebhook: async (input) => {
      const from = performance.now();
      if (!answers()) return { kind: 'store_away', took: 0, of: markOf(input.call_id) };
      run.sent.push(input.call_id);
      const end = await (script.deliver?.(input) ?? { kind: 'delivered' });
      return { ...end, took: Math.round(performance.now() - from), of: markOf(input.call_id) };
    },
    watchAttempts: async ({ groups }) => ({ ends: await endsOf(groups, script) }),
    settleWebhooks: async (input) => {
      if (!answers()) return { kind: 'store_away', took: 0 };
      run.settled.push(input);
      return { kind: 'settled', standings: [], took: 0 };
    },
    checkpoint: async (input) => {
      if (!answers()) return { kind: 'store_away', took: 0 };
      run.checkpoints.push(input);
      return { kind: 'recorded', took: 0 };
    },
    findFailed: async () => ({ webhooks: [], next_cursor: null }),
    pruneWebhooks: async () => ({ batches: 0, webhooks: 0, is_done: true }),
  };
}

const registeredParts = ({ parts, accepted_at }: RegisterInput, { endpointOf, pausedSince }: Script) =>
  parts.map((part) => ({ ...freshPart(part, accepted_at, endpointOf), paused_since: pausedSince?.() ?? null }));

async function endsOf(groups: WatchedGroup[], { watch }: Script): Promise<[number, number, DeliveryEnd][]> {
  const ends = groups.flatMap(({ batch_id, call_ids }, group) =>
    call_ids.map(
      async (callId, index): Promise<[number, number, DeliveryEnd]> => [
        group,
        index,
        (await watch?.(batch_id, callId)) ?? { kind: 'delivered' },
      ],
    ),
  );
  return Promise.all(ends);
}
