import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { type RunningWorker, startWorker, type WorkerDependencies } from '../worker/index.js';
import type { SupervisedPart } from './supervisor.js';
import { startTemporalServer, type TemporalServer, type TemporalServerOptions } from './temporal-server.js';

/** A server that answers nothing for so long does not come back: its database stays interrupted once a request broke off in the middle. */
const SERVER_PATIENCE_MS = 10_000;

/** A Temporal server, and a way to ask it. */
export interface AskedServer {
  server: TemporalServer;
  connection: Connection;
}

/** The embedded Temporal server: at a new start it goes on where its file says. `options` name its ports. */
export const temporalServerPart = (options: TemporalServerOptions): SupervisedPart<AskedServer> => ({
  name: 'The Temporal server',
  silence: 'has not answered',
  patienceMs: SERVER_PATIENCE_MS,
  start: async (signal = options.signal) => {
    const server = await startTemporalServer({ ...options, ...(signal && { signal }) });
    // Nothing is repeated by itself: a repetition on a connection that is closed throws where it cannot be caught.
    return { server, connection: Connection.lazy({ address: server.address, interceptors: [] }) };
  },
  // Not one that the server answers from its memory. Without a deadline: that would break it off.
  works: async ({ connection }) => {
    await connection.workflowService.describeNamespace({ namespace: 'default' });
    return true;
  },
  ended: async ({ server }) => {
    const { code, signal } = await server.exited;
    return `has ended (${signal ?? code})`;
  },
  discard: async ({ server, connection }) => {
    await server.kill();
    await connection.close();
  },
});

/** Temporal gives a poll back after a minute at most, and the worker asks again. */
const POLLED_WITHIN_MS = 70_000;
const WORKER_PATIENCE_MS = 20_000;
/** For attempts in flight to end, and be recorded; then the next worker starts beside it. */
const WORKER_END_MS = 45_000;
const { TASK_QUEUE_TYPE_WORKFLOW } = proto.temporal.api.enums.v1.TaskQueueType;

/** A worker, which the embedded server must see polling; `connectionNow` leads to that server, where there is one and it runs. */
export const workerPart = (
  deps: WorkerDependencies,
  connectionNow: () => Connection | undefined = () => undefined,
): SupervisedPart<RunningWorker> => ({
  name: 'The worker',
  silence: 'was not seen polling by Temporal',
  patienceMs: WORKER_PATIENCE_MS,
  start: () => startWorker(deps),
  works: async ({ identity }) => {
    const connection = connectionNow();
    if (!connection) return true;
    const { temporal, taskQueue } = deps.config;
    const lastPoll = await lastPollOf(identity, connection, { namespace: temporal.namespace, taskQueue });
    return lastPoll === undefined || Date.now() - lastPoll < POLLED_WITHIN_MS;
  },
  ended: async ({ stopped }) =>
    stopped.then(
      () => 'has stopped by itself',
      (error: unknown) => `has failed (${error instanceof Error ? error.message : error})`,
    ),
  discard: (worker) =>
    Promise.race([worker.stop().catch(() => undefined), delay(WORKER_END_MS, undefined, { ref: false })]),
});

/** Milliseconds since the epoch; 0 where Temporal knows of none, undefined where it does not answer. */
async function lastPollOf(
  identity: string,
  connection: Connection,
  { namespace, taskQueue }: { namespace: string; taskQueue: string },
): Promise<number | undefined> {
  const request = { namespace, taskQueue: { name: taskQueue }, taskQueueType: TASK_QUEUE_TYPE_WORKFLOW };
  const answer = await connection.workflowService.describeTaskQueue(request).catch(() => undefined);
  if (!answer) return undefined;
  const own = answer.pollers.filter((poller) => poller.identity === identity);
  const times = own.map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1_000);
  return Math.max(0, ...times);
}
