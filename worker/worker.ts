import { Client } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { type CompiledWorkerOptions, NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { type CallSource, createActivities, type DeliveryEvents } from '../activities/index.js';
import type { Lookup } from '../activities/lookup.js';
import { OriginLimit } from '../activities/origin-limit.js';
import { Recovery } from '../activities/recovery.js';
import { createSender } from '../activities/send.js';
import { StopSignal } from '../activities/stop-signal.js';
import type { Config } from '../config/index.js';
import { version } from '../config/version.js';
import type { Store } from '../store/index.js';
import type { ProcessMetrics, Tracing } from '../telemetry/index.js';
import { openCalls, warnOfOwnerlessCalls } from './calls.js';
import { EndedBatches } from './ended-batches.js';
import { observe } from './observer.js';
import { workflowInterceptorModules } from './traced-workflows.js';
import { wakeWorkflow } from './wake-workflow.js';
import { payloadConverterPath, workflowSource } from './workflow-bundle.js';

/** Attempts end within their timeout; then their ends are recorded. */
const GRACE_AFTER_ATTEMPT_MS = 10_000;

export interface WorkerDependencies {
  config: Config;
  store: Store;
  logger: Logger;
  /** Where calls come from. Default: CALLS_URL, or the store's `calls` table. */
  callSource?: CallSource;
  /** How endpoints' names are resolved. Default: the operating system's resolver. */
  lookup?: Lookup;
  /** Encrypt or compress what goes to Temporal. Clients need the same ones. */
  payloadCodecs?: PayloadCodec[];
  /**
   * Where its metrics go. It serves them itself where POSTCALL_METRICS_PORT is set. Default: its own, without what the SDK measures
   * (`installRuntime`).
   */
  metrics?: ProcessMetrics;
  /** Spans of attempts, activities and workflows (`openTracing`). The caller closes it. Default: none. */
  tracing?: Tracing;
  /** Workflow code to run, when it is not the package's own. */
  workflows?: ReturnType<typeof workflowSource>;
}

export interface RunningWorker {
  /** By which Temporal knows it. */
  readonly identity: string;
  /** Resolves when the worker has stopped, rejects when it failed. */
  readonly stopped: Promise<void>;
  /** Stops polling, lets attempts in flight finish and be recorded, and resolves. Safe to repeat. */
  stop(): Promise<void>;
}

/** Starts a worker. The store stays the caller's to close, after the worker has stopped. */
export async function startWorker(deps: WorkerDependencies): Promise<RunningWorker> {
  const { config, store, logger, tracing } = deps;
  const { temporal } = config;
  const connection = await NativeConnection.connect(temporal.connectionOptions);
  const { payloadCodecs = [] } = deps;
  const client = new Client({ connection, namespace: temporal.namespace, dataConverter: { payloadCodecs } });
  const stopping = new StopSignal();
  const calls = openCalls(config.calls, deps.callSource);
  const observer = await observe({ ...deps, client });
  const recovery = createRecovery(deps, client, stopping);
  const endedBatches = createEndedBatches(deps, client, { callsTable: calls === undefined, events: observer.events });
  const sender = createSender({
    allowNetworks: config.allowNetworks,
    denyNetworks: config.denyNetworks,
    timeoutMs: config.attemptTimeoutMs,
    userAgent: `postcall-webhooks/${version}`,
    ...(deps.lookup && { lookup: deps.lookup }),
  });
  const { activities, idle } = createActivities({
    store,
    sender,
    ...(calls && { calls: calls.options }),
    attemptTimeoutMs: config.attemptTimeoutMs,
    retryPolicy: config.retryPolicy,
    originLimit: new OriginLimit({ limit: config.maxInFlight }),
    events: observer.events,
    ...(tracing && { tracer: tracing.attempts }),
    onDelivered: (endpoint) => recovery.delivered(endpoint),
    onFault: (what, error) => logger.error({ err: error }, what),
    stopping,
  });
  const workflows = deps.workflows ?? workflowSource({ traced: tracing !== undefined });
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    taskQueue: config.taskQueue,
    ...versioning(config),
    ...workflowCode(workflows, payloadCodecs),
    ...(tracing && spansOf(tracing, workflows)),
    activities: { ...activities },
    shutdownGraceTime: config.attemptTimeoutMs + GRACE_AFTER_ATTEMPT_MS,
    ...WORKFLOW_CODE_LIMITS,
    ...LIMITS,
  });
  await warnOfOwnerlessCalls(deps);
  const run = async (): Promise<void> => {
    recovery.start();
    endedBatches.start();
    try {
      await worker.run();
    } finally {
      stopping.stop();
      await endedBatches.stop();
      await idle();
      await recovery.idle();
      await Promise.all([sender.close(), calls?.close(), observer.close()]);
      await connection.close();
    }
  };
  const stopped = run();
  stopped.catch((error: unknown) => logger.error({ err: error }, 'the worker failed'));
  const stop = () => {
    stopping.stop();
    observer.stopping();
    if (worker.getState() === 'RUNNING') worker.shutdown();
    return stopped;
  };
  return { identity: worker.options.identity, stopped, stop };
}

/**
 * With a build ID, the server gives a worker no workflow tasks before its build is made current. It moves running batches to the current
 * build (AUTO_UPGRADE): they run for days, and the code replays the histories of the versions before.
 */
function versioning({ deployment }: Pick<Config, 'deployment'>): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (deployment === undefined) return {};
  return {
    workerDeploymentOptions: {
      version: { deploymentName: deployment.name, buildId: deployment.buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    },
  };
}

/** A prebuilt bundle holds the payload converter already; activities take and return nothing but JSON. */
function workflowCode(workflows: ReturnType<typeof workflowSource>, payloadCodecs: PayloadCodec[]) {
  const isBundled = workflows.workflowBundle !== undefined;
  return { ...workflows, dataConverter: { payloadCodecs, ...(!isBundled && { payloadConverterPath }) } };
}

/** A prebuilt bundle holds the interceptors of workflow code already. */
function spansOf({ worker: { interceptors, sinks } }: Tracing, { workflowBundle }: ReturnType<typeof workflowSource>) {
  if (workflowBundle !== undefined) return { interceptors, sinks };
  return { interceptors: { ...interceptors, workflowModules: workflowInterceptorModules() }, sinks };
}

/**
 * Attempts run as local activities inside workflow tasks, so workflow tasks are long and few. Slots for attempts are more than what one
 * origin may hold (POSTCALL_MAX_IN_FLIGHT, at most 500) with those who wait for a place (300), so that a hanging endpoint leaves room for
 * others.
 */
const LIMITS = {
  maxConcurrentWorkflowTaskExecutions: 200,
  maxConcurrentLocalActivityExecutions: 1_000,
  maxConcurrentActivityTaskExecutions: 1_000,
  maxCachedWorkflows: 500,
} as const;

/**
 * How long workflow code may run without a pause. It is wall-clock time: a process that was frozen or starved uses it up too. Node.js then
 * aborts the whole process with all its attempts in flight (https://github.com/nodejs/node/issues/38503). So it is far above the SDK's 5 s.
 * The SDK takes it, but does not show it in `WorkerOptions`.
 */
export const WORKFLOW_CODE_LIMITS = { isolateExecutionTimeout: '1m' } satisfies Pick<
  CompiledWorkerOptions,
  'isolateExecutionTimeout'
>;

function createRecovery({ config, store, logger }: WorkerDependencies, client: Client, stopping: StopSignal): Recovery {
  return new Recovery({
    store,
    stopping,
    probeInterval: config.probeInterval,
    onError: (error) => logger.warn({ err: error }, 'waiting webhooks could not be woken now'),
    wake: (workflowId, wake) => wakeWorkflow(client, workflowId, wake),
  });
}

const createEndedBatches = (
  { config, store, logger }: WorkerDependencies,
  client: Client,
  { callsTable, events }: { callsTable: boolean; events: DeliveryEvents },
): EndedBatches =>
  new EndedBatches({
    client,
    store,
    taskQueue: config.taskQueue,
    callsTable,
    onFailed: (batch_id, webhooks) =>
      events.webhooksSettled({ batch_id, status: 'failed', error: 'BatchEnded', webhooks }),
    onError: (error) => logger.warn({ err: error }, 'batches that ended from outside could not be looked for now'),
  });
