import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { type Logger, pino } from 'pino';
import { afterAll, beforeAll, inject, onTestFinished } from 'vitest';
import type { CallSource } from '../../activities/index.js';
import type { Lookup } from '../../activities/lookup.js';
import { PostcallClient } from '../../client/index.js';
import { type Config, loadConfig } from '../../config/index.js';
import { IN_MEMORY, openStore, type Store } from '../../store/index.js';
import type { ProcessMetrics } from '../../telemetry/index.js';
import { startWorker } from '../../worker/index.js';
import { Receiver } from './receiver.js';
import { freshTaskQueue, quietRuntime } from './temporal.js';

export interface TestStackOptions {
  /** Configuration beyond the stack's own, by the variables' names: `{ POSTCALL_RETRY_SCHEDULE: '100ms' }`. */
  environment?: Record<string, string>;
  /** gRPC address of the Temporal server. Default: the one that all tests share. */
  temporalAddress?: string;
  /** Folder of the store, for tests with several processes. Default: in memory. */
  dataDir?: string;
  /** One that is passed in stays open. Default: PGlite in `dataDir`, closed with the stack. */
  store?: Store;
  callSource?: CallSource;
  /** How the worker resolves endpoints' names. */
  lookup?: Lookup;
  /** Of the worker and of the client. */
  payloadCodecs?: PayloadCodec[];
  /** Where the worker's metrics go. Default: nowhere. */
  metrics?: ProcessMetrics;
  /** Of the worker. Default: errors alone. */
  logger?: Logger;
  /** False: no worker runs until `startWorker` is called. */
  worker?: boolean;
}

/** A real worker on a task queue of its own, with a real store and a receiver. */
export interface TestStack extends AsyncDisposable {
  readonly config: Config;
  readonly store: Store;
  readonly client: PostcallClient;
  /** Of `client`. */
  readonly connection: Connection;
  readonly receiver: Receiver;
  readonly taskQueue: string;
  /** Imports finished calls of a user and returns their IDs, which are unique. */
  addCalls(count: number, userId: string): Promise<string[]>;
  startWorker(): Promise<void>;
  /** Ends the worker gracefully. */
  stopWorker(): Promise<void>;
  stop(): Promise<void>;
}

/** A stack that is stopped when the test ends. */
export async function startTestStack(options?: TestStackOptions): Promise<TestStack> {
  const stack = await openTestStack(options);
  onTestFinished(() => stack.stop());
  return stack;
}

/** One stack for all tests of a file or a `describe`, for use while they run: call it outside of them. */
export function sharedTestStack(options?: TestStackOptions): () => TestStack {
  let stack: TestStack | undefined;
  beforeAll(async () => {
    stack = await openTestStack(options);
  });
  afterAll(() => stack?.stop());
  return () => {
    if (!stack) throw new Error('the stack runs while tests run');
    return stack;
  };
}

export const freshUser = (): string => `u-${randomUUID().slice(0, 8)}`;

/** Silent, but for what a test should look at. */
export const testLogger = () => pino({ level: 'error' });

async function openTestStack(options: TestStackOptions = {}): Promise<TestStack> {
  const taskQueue = freshTaskQueue();
  const config = loadConfig({
    TEMPORAL_ADDRESS: options.temporalAddress ?? inject('temporalAddress'),
    TEMPORAL_TASK_QUEUE: taskQueue,
    POSTCALL_ALLOW_NETWORKS: '127.0.0.0/8',
    ...options.environment,
  });
  quietRuntime();
  const connection = await Connection.connect(config.temporal.connectionOptions);
  const store =
    options.store ?? (await openStore({ dataDir: options.dataDir ?? IN_MEMORY, encryption: config.encryption }));
  const receiver = await Receiver.start();
  const worker = workerSwitch(options, config, store);
  if (options.worker !== false) await worker.start();

  const { payloadCodecs = [] } = options;
  const temporal = new Client({ connection, namespace: config.temporal.namespace, dataConverter: { payloadCodecs } });
  const { searchAttributes } = config;
  const client = new PostcallClient({ client: temporal, taskQueue, searchAttributes });
  const stop = async () => {
    await worker.stop();
    await receiver.close();
    await client.close();
    await connection.close();
    if (!options.store) await store.close();
  };
  return {
    config,
    store,
    connection,
    client,
    receiver,
    taskQueue,
    addCalls: (count, userId) => addCalls(store, count, userId),
    startWorker: worker.start,
    stopWorker: worker.stop,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function workerSwitch(options: TestStackOptions, config: Config, store: Store) {
  const { callSource, lookup, payloadCodecs, metrics, logger } = options;
  let running: Awaited<ReturnType<typeof startWorker>> | undefined;
  return {
    start: async () => {
      running = await startWorker({
        config,
        store,
        logger: logger ?? testLogger(),
        ...(metrics && { metrics }),
        workflows: { workflowBundle: { codePath: inject('workflowBundlePath') } },
        ...(callSource && { callSource }),
        ...(lookup && { lookup }),
        ...(payloadCodecs && { payloadCodecs }),
      });
    },
    stop: async () => {
      await running?.stop();
      running = undefined;
    },
  };
}

async function addCalls(store: Store, count: number, userId: string): Promise<string[]> {
  const batch = randomUUID().slice(0, 8);
  const calls = Array.from({ length: count }, (_, index) => {
    const call_id = `c-${batch}-${index}`;
    const data = { call_id, to: '+15550100', call_length: 1.5, summary: 'Wants a call back.', transcripts: [] };
    return { call_id, user_id: userId, data };
  });
  await store.upsertCalls(calls);
  return calls.map(({ call_id }) => call_id);
}
