import { pino } from 'pino';
import { inject, onTestFinished } from 'vitest';
import { PostcallClient } from '../../../client/index.js';
import { loadConfig } from '../../../config/index.js';
import { IN_MEMORY, openStore, type Store } from '../../../store/index.js';
import { startWorker } from '../../../worker/index.js';
import type { Behaviour } from '../../support/behaviours.js';
import { Receiver } from '../../support/receiver.js';
import { connectClient, freshTaskQueue } from '../../support/temporal.js';

export const USER = 'u-1';

export interface ClientStack {
  client: PostcallClient;
  taskQueue: string;
  receiver: Receiver;
  store: Store;
  stopWorker(): Promise<void>;
  /** Starts another worker on the same task queue. */
  startWorker(): Promise<void>;
}

export interface StackOptions {
  behaviour?: Behaviour;
  /** Default: a database in memory. */
  dataDir?: string;
  /** Between a failed attempt and the next. Default an hour: waiting calls stay where the test wants them. */
  retrySchedule?: string;
}

/** A worker with its store and a receiver, and a client of theirs. All of it ends with the test. */
export async function startStack(options: StackOptions = {}): Promise<ClientStack> {
  const taskQueue = freshTaskQueue();
  const receiver = await Receiver.start(options.behaviour ? { behaviour: options.behaviour } : {});
  onTestFinished(() => receiver.close());
  const store = await openStore({ dataDir: options.dataDir ?? IN_MEMORY });
  onTestFinished(() => store.close());
  const config = loadConfig({
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_TASK_QUEUE: taskQueue,
    POSTCALL_ALLOW_NETWORKS: '127.0.0.0/8',
    POSTCALL_RETRY_SCHEDULE: options.retrySchedule ?? '1h',
    // The first probe comes at a random moment of the first interval.
    POSTCALL_PROBE_INTERVAL: '24h',
  });
  const workflows = { workflowBundle: { codePath: inject('workflowBundlePath') } };
  const start = () => startWorker({ config, store, logger: pino({ level: 'silent' }), workflows });
  let worker = await start();
  const stopWorker = () => worker.stop();
  onTestFinished(stopWorker);
  const client = new PostcallClient({ client: await connectClient(), taskQueue });
  return {
    client,
    taskQueue,
    receiver,
    store,
    stopWorker,
    startWorker: async () => {
      worker = await start();
    },
  };
}

/** Puts calls into the store's `calls` table and returns their IDs. */
export async function addCalls(store: Store, count: number, prefix = 'c'): Promise<string[]> {
  const calls = Array.from({ length: count }, (_, index) => ({
    call_id: `${prefix}-${index}`,
    user_id: USER,
    data: { call_id: `${prefix}-${index}`, summary: 'a short call' },
  }));
  await store.upsertCalls(calls);
  return calls.map(({ call_id }) => call_id);
}
