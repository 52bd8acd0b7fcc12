import { status } from '@grpc/grpc-js';
import { Client, type Connection, ScheduleNotFoundError } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { Config } from '../../../config/config.js';
import { loadPayloadCodecs } from '../../../config/payload-codecs.js';
import { messageOf } from '../../../contract/message-of.js';
import { openConnection } from '../../connect.js';
import { pruneScheduleId } from '../../prune-schedule.js';
import { notAllowed } from '../not-allowed.js';
import { lackingSearchAttributes, requiredTypes } from '../registered-attributes.js';
import { type Check, failed, isRemote, ok, skipped, warning } from './check.js';

const TIMEOUT_MS = 5_000;
const { TaskQueueType } = proto.temporal.api.enums.v1;
const QUEUES = [
  [TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, 'workflow'],
  [TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY, 'activity'],
] as const;

interface Poller {
  identity: string;
  deployment: { name: string; buildId: string } | undefined;
}

/** Temporal, its namespace, the workers that poll the task queue, and whether their build is the current one. */
export async function checkTemporal(config: Config): Promise<Check[]> {
  const { address = '' } = config.temporal.connectionOptions;
  const payloadCodecs = await loadPayloadCodecs(config.codecModule);
  let connection: Connection;
  try {
    ({ connection } = await openConnection({ address }));
  } catch (error) {
    const remedy = 'start Temporal, or correct TEMPORAL_ADDRESS and the TEMPORAL_TLS variables';
    return [failed('temporal', messageOf(error), remedy), skipped('namespace', 'Temporal does not answer')];
  }
  // Not closed: the process ends with the command.
  const { namespace } = config.temporal;
  const client = new Client({ connection, namespace, dataConverter: { payloadCodecs } });
  const reached = ok('temporal', `answers at ${address}`);
  const found = await checkNamespace(client, config);
  if (found.status === 'failed') return [reached, ...checkSecrecy(config), found];
  const pollers = await pollersOf(client, config.taskQueue);
  return [
    reached,
    ...checkSecrecy(config),
    found,
    checkPollers(pollers, config.taskQueue),
    await checkBuild(client, config, pollers.workflow),
    await checkSearchAttributes(connection, config),
    ...(await checkPruning(client, config)),
  ];
}

function checkSecrecy({ temporal }: Config): Check[] {
  const { address = '', tls } = temporal.connectionOptions;
  if (tls || !isRemote(address.replace(/:\d+$/, ''))) return [];
  return [
    warning('temporal_tls', 'Temporal is reached without TLS', 'set TEMPORAL_TLS=true where the network is not yours'),
  ];
}

const within = <T>({ connection }: Pick<Client, 'connection'>, request: () => Promise<T>): Promise<T> =>
  connection.withDeadline(Date.now() + TIMEOUT_MS, request);

async function checkNamespace(client: Client, { temporal: { namespace } }: Config): Promise<Check> {
  try {
    const { config } = await within(client, () => client.workflowService.describeNamespace({ namespace }));
    const days = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / 86_400;
    return ok('namespace', `${namespace}, which keeps finished workflows for ${days} days`);
  } catch (error) {
    const isMissing = (error as { code?: unknown }).code === status.NOT_FOUND;
    return failed(
      'namespace',
      isMissing ? `there is no namespace ${namespace}` : messageOf(error),
      isMissing
        ? `temporal operator namespace create --namespace ${namespace} --retention 7d, or correct TEMPORAL_NAMESPACE`
        : 'give these credentials access to the namespace',
    );
  }
}

async function pollersOf(client: Client, name: string): Promise<Record<'workflow' | 'activity', Poller[]>> {
  const { namespace } = client.options;
  const found: Record<'workflow' | 'activity', Poller[]> = { workflow: [], activity: [] };
  for (const [taskQueueType, kind] of QUEUES) {
    const request = { namespace, taskQueue: { name }, taskQueueType };
    const { pollers } = await within(client, () => client.workflowService.describeTaskQueue(request));
    found[kind] = pollers.map(({ identity, deploymentOptions }) => ({
      identity: identity ?? '',
      deployment: deploymentOptions?.buildId
        ? { name: deploymentOptions.deploymentName ?? '', buildId: deploymentOptions.buildId }
        : undefined,
    }));
  }
  return found;
}

function checkPollers({ workflow, activity }: Record<'workflow' | 'activity', Poller[]>, taskQueue: string): Check {
  const workers = new Set([...workflow, ...activity].map(({ identity }) => identity));
  if (workflow.length > 0 && activity.length > 0) {
    return ok('task_queue', `${workers.size} ${workers.size === 1 ? 'worker polls' : 'workers poll'} ${taskQueue}`);
  }
  return failed(
    'task_queue',
    `no worker has polled ${taskQueue} for minutes: nothing is delivered`,
    'start workers (npm run worker); TEMPORAL_NAMESPACE and TEMPORAL_TASK_QUEUE must be theirs',
  );
}

/** Of the deployment that the configuration names, or that the workers have. */
async function checkBuild(client: Client, { deployment }: Config, pollers: readonly Poller[]): Promise<Check> {
  const polling = pollers.flatMap((poller) => poller.deployment ?? []);
  const name = deployment?.name ?? polling[0]?.name;
  if (name === undefined) return ok('build', 'workers are not versioned');
  const running = new Set(polling.filter((poller) => poller.name === name).map(({ buildId }) => buildId));
  const builds = new Set([...running, ...(deployment ? [deployment.buildId] : [])]);
  const current = await currentBuild(client, name);
  const others = [...builds].filter((buildId) => buildId !== current);
  const makeCurrent = (buildId = 'BUILD') =>
    `temporal worker deployment set-current-version --deployment-name ${name} --build-id ${buildId}`;
  if (current === undefined) {
    const message = `no build of the deployment ${name} is current: nothing is delivered`;
    return failed('build', message, makeCurrent(others[0]));
  }
  if (others.length === 0) return ok('build', `${current} of ${name} is current`);
  if (running.size > 0 && !running.has(current)) {
    const message = `${current} of ${name} is current, and no worker of it polls: nothing is delivered`;
    return failed('build', message, `start workers of it, or ${makeCurrent(others[0])}`);
  }
  const message = `${others.join(', ')} of ${name} waits: ${current} is current, and gets the work`;
  return warning('build', message, `when it is to take over: ${makeCurrent(others[0])}`);
}

/** Webhooks are delivered without them; nothing finds their workflows then. */
async function checkSearchAttributes(connection: Connection, config: Config): Promise<Check> {
  const name = 'search_attributes';
  if (!config.searchAttributes) return ok(name, 'POSTCALL_SEARCH_ATTRIBUTES is off: none are wanted');
  const { namespace } = config.temporal;
  try {
    const { missing, otherType } = await within({ connection }, () => lackingSearchAttributes(connection, namespace));
    if (otherType.length > 0) {
      const remove = otherType.map((attribute) => `--name ${attribute}`).join(' ');
      return warning(
        name,
        `registered with another type, so that workflows start without any: ${requiredTypes(otherType)}`,
        `temporal operator search-attribute remove --namespace ${namespace} ${remove}, then npx postcall setup`,
      );
    }
    if (missing.length === 0) return ok(name, 'all are registered');
    const message = `not registered, so that workflows start without any: ${missing.join(', ')}`;
    return warning(name, message, 'npx postcall setup, or POSTCALL_SEARCH_ATTRIBUTES=off');
  } catch (error) {
    const refusal = notAllowed(error);
    if (!refusal) throw error;
    return skipped(name, `this connection may not list them (${refusal.details})`);
  }
}

async function checkPruning(client: Client, { retentionMs, taskQueue }: Config): Promise<Check[]> {
  if (retentionMs === undefined) return [];
  const id = pruneScheduleId(taskQueue);
  try {
    const { state } = await within(client, () => client.schedule.getHandle(id).describe());
    if (!state.paused) return [ok('pruning', `the Schedule ${id} removes what is old`)];
    return [
      warning('pruning', `the Schedule ${id} is paused`, `temporal schedule toggle --unpause --schedule-id ${id}`),
    ];
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    return [warning('pruning', 'POSTCALL_RETENTION is set, and nothing removes what is old', 'npx postcall setup')];
  }
}

async function currentBuild(client: Client, deploymentName: string): Promise<string | undefined> {
  const { namespace } = client.options;
  try {
    const { workerDeploymentInfo } = await within(client, () =>
      client.workflowService.describeWorkerDeployment({ namespace, deploymentName }),
    );
    return workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId ?? undefined;
  } catch (error) {
    if ((error as { code?: unknown }).code === status.NOT_FOUND) return undefined;
    throw error;
  }
}
