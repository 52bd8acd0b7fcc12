import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { type Logger, pino } from 'pino';
import { afterAll, beforeAll, inject, onTestFinished } from 'vitest';
import type { CallSource } from '../../activities/index.js';
import type { Lookup } from '../../activities/lookup.js';
import { PostcallClient } from '../../client/index.js';
import { type Config, loadConfig } from '../../config/index.js';
import { openStore, type Store } from '../../store/index.js';
import type { ProcessMetrics, Tracing } from '../../telemetry/index.js';
import { type RunningWorker, startWorker } from '../../worker/index.js';
import type { Behaviour } from './behaviours.js';
import { openScratchStore, scratchFolder } from './pglite-template.js';
import { Receiver } from './receiver.js';
import { freshTaskQueue, quietRuntime } from './temporal.js';
import { tracedBundlePath } from './traced-bundle.js';

export interface TestStackOptions {
  /** Configuration beyond the stack's own, by the variables' names: `{ POSTCALL_RETRY_SCHEDULE: '100ms' }`. */
  environment?: Record<string, string>;
  /** gRPC address of the Temporal server. Default: the one that all tests share. */
  temporalAddress?: string;
  /** One that is passed in stays open. Default: of the environment's DATABASE_URL, or else PGlite; closed with the stack. */
  store?: Store;
  /** What the receiver does. Default: 200 at once. */
  behaviour?: Behaviour;
  callSource?: CallSource;
  /** How the worker resolves endpoints' names. */
  lookup?: Lookup;
  /** Of the worker and of the client. */
  payloadCodecs?: PayloadCodec[];
  /** Where the worker's metrics go. Default: nowhere. */
  metrics?: ProcessMetrics;
  /** Spans of worker and client. Default: none. */
  spans?: Tracing;
  /** Of the worker. Default: errors alone. */
  logger?: Logger;
  /** False: no worker runs until `startWorker` is called. */
  worker?: boolean;
}

/** A real worker on a task queue of its own, with a real store and a receiver. */
export interface TestStack extends AsyncDisposable {
  readonly config: Config;
  readonly store: Store;
  /** Variables that make a process one of this stack. */
  readonly environment: Record<string, string>;
  readonly client: PostcallClient;
  /** Of `client`. */
  readonly connection: Connection;
  readonly receiver: Receiver;
  readonly taskQueue: string;
  /** Imports finished calls of a user and returns their IDs, which are unique. */
  addCalls(count: number, userId: string): Promise<string[]>;
  /** Starts a worker, another one where some run already. */
  startWorker(difference?: WorkerDifference): Promise<RunningWorker>;
  /** Ends the workers gracefully. */
  stopWorkers(): Promise<void>;
  stop(): Promise<void>;
}

/** In what a worker differs from the stack's first one. */
export interface WorkerDifference {
  /** Variables beyond the stack's. */
  environment?: Record<string, string>;
  store?: Store;
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

/** A stack that tests share, and what is one test's alone: a user, and an endpoint that is closed with the test. */
export interface Scene extends Omit<TestStack, 'addCalls'> {
  readonly user_id: string;
  /** Imports calls of the user: `c-0`, `c-1` ... */
  addCalls(count: number): Promise<string[]>;
}

export async function startScene(stack: TestStack, behaviour?: Behaviour): Promise<Scene> {
  const user_id = freshUser();
  const receiver = await Receiver.start(behaviour && { behaviour });
  onTestFinished(() => receiver.close());
  return { ...stack, user_id, receiver, addCalls: (count) => importCalls(stack.store, user_id, 'c', count) };
}

export const freshUser = (): string => `u-${randomUUID().slice(0, 8)}`;

/** Silent, but for what a test should look at. */
export const testLogger = () => pino({ level: 'error' });

async function openTestStack(options: TestStackOptions = {}): Promise<TestStack> {
  const taskQueue = freshTaskQueue();
  const dataDir = await scratchFolder();
  const environment = {
    TEMPORAL_ADDRESS: options.temporalAddress ?? inject('temporalAddress'),
    TEMPORAL_TASK_QUEUE: taskQueue,
    POSTCALL_DATA_DIR: dataDir,
    POSTCALL_ALLOW_NETWORKS: '127.0.0.0/8',
    ...options.environment,
  };
  const config = loadConfig(environment);
  quietRuntime();
  const connection = await Connection.connect(config.temporal.connectionOptions);
  const store = options.store ?? (await (config.databaseUrl ? openStore(config) : openScratchStore(config)));
  const receiver = await Receiver.start(options.behaviour && { behaviour: options.behaviour });
  const workers = new Workers(options, environment, store);
  if (options.worker !== false) await workers.start();

  const { payloadCodecs = [] } = options;
  const temporal = new Client({
    connection,
    namespace: config.temporal.namespace,
    dataConverter: { payloadCodecs },
    interceptors: { workflow: options.spans?.clientInterceptors ?? [] },
  });
  const { searchAttributes } = config;
  const client = new PostcallClient({ client: temporal, taskQueue, searchAttributes });
  const stop = async () => {
    await workers.stop();
    await receiver.close();
    await client.close();
    await connection.close();
    if (!options.store) await store.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  return {
    config,
    store,
    environment,
    connection,
    client,
    receiver,
    taskQueue,
    addCalls: (count, userId) => importCalls(store, userId, `c-${randomUUID().slice(0, 8)}`, count),
    startWorker: (difference) => workers.start(difference),
    stopWorkers: () => workers.stop(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

class Workers {
  readonly #options: TestStackOptions;
  readonly #environment: Record<string, string>;
  readonly #store: Store;
  #running: RunningWorker[] = [];

  constructor(options: TestStackOptions, environment: Record<string, string>, store: Store) {
    this.#options = options;
    this.#environment = environment;
    this.#store = store;
  }

  async start({ environment, store = this.#store }: WorkerDifference = {}): Promise<RunningWorker> {
    const { callSource, lookup, payloadCodecs, metrics, spans, logger } = this.#options;
    const worker = await startWorker({
      config: loadConfig({ ...this.#environment, ...environment }),
      store,
      logger: logger ?? testLogger(),
      ...(metrics && { metrics }),
      workflows: { workflowBundle: { codePath: spans ? await tracedBundlePath() : inject('workflowBundlePath') } },
      ...(spans && { tracing: spans }),
      ...(callSource && { callSource }),
      ...(lookup && { lookup }),
      ...(payloadCodecs && { payloadCodecs }),
    });
    this.#running.push(worker);
    return worker;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((worker) => worker.stop()));
  }
}

/** Puts calls into the `calls` table and returns their IDs. */
async function importCalls(store: Store, user_id: string, prefix: string, count: number): Promise<string[]> {
  const calls = Array.from({ length: count }, (_, index) => {
    const call_id = `${prefix}-${index}`;
    const data = { call_id, to: '+15550100', call_length: 1.5, summary: 'Wants a call back.', transcripts: [] };
    return { call_id, user_id, data };
  });
  await store.upsertCalls(calls);
  return calls.map(({ call_id }) => call_id);
}
