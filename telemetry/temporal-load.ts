import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { DELIVER_WORKFLOW } from '../contract/index.js';

/** An idle worker's poll ends after a minute, and the next one begins. */
const POLLS_WITHIN_MS = 75_000;
const DEADLINE_MS = 5_000;
const { TaskQueueType } = proto.temporal.api.enums.v1;
const TASK_QUEUE_TYPES = [TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY] as const;

export interface TemporalLoad {
  /** Workflows that run; one may hold several batches. */
  workflows_running: number;
  workers_polling: number;
}

/** What the Temporal server knows of a task queue. Throws after five seconds. */
export function readTemporalLoad(client: Client, taskQueue: string): Promise<TemporalLoad> {
  return client.withDeadline(Date.now() + DEADLINE_MS, async () => {
    const running = `WorkflowType = '${DELIVER_WORKFLOW}' and TaskQueue = '${taskQueue}' and ExecutionStatus = 'Running'`;
    const [{ count }, ...pollers] = await Promise.all([
      client.workflow.count(running),
      ...TASK_QUEUE_TYPES.map((type) => pollersOf(client, taskQueue, type)),
    ]);
    return { workflows_running: count, workers_polling: new Set(pollers.flat()).size };
  });
}

async function pollersOf(
  client: Client,
  name: string,
  taskQueueType: (typeof TASK_QUEUE_TYPES)[number],
): Promise<string[]> {
  const { namespace } = client.options;
  const { pollers } = await client.workflowService.describeTaskQueue({ namespace, taskQueue: { name }, taskQueueType });
  const since = (Date.now() - POLLS_WITHIN_MS) / 1_000;
  return (pollers ?? []).flatMap(({ identity, lastAccessTime }) =>
    identity && Number(lastAccessTime?.seconds ?? 0) >= since ? [identity] : [],
  );
}
