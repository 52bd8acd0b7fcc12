import { type Client, ScheduleNotFoundError, type ScheduleOptions, ScheduleOverlapPolicy } from '@temporalio/client';
import { PRUNE_WORKFLOW, type PruneInput } from '../contract/index.js';

/** One for each task queue, whose workers share a database. */
export const pruneScheduleId = (taskQueue: string): string => `${taskQueue}-prune`;

export interface PruneSchedule {
  taskQueue: string;
  /** Undefined: there is to be none. */
  retentionMs: number | undefined;
}

/** What was done to the Schedule that removes what finished batches have left. */
export type ScheduleChange = 'created' | 'updated' | 'unchanged' | 'removed' | 'none';

/** Makes the Schedule as it is to be; its pause and its note stay. Safe to repeat. */
export async function arrangePruneSchedule(client: Client, wanted: PruneSchedule): Promise<ScheduleChange> {
  const handle = client.schedule.getHandle(pruneScheduleId(wanted.taskQueue));
  const found = await orUndefined(handle.describe());
  if (wanted.retentionMs === undefined) {
    if (!found) return 'none';
    await handle.delete();
    return 'removed';
  }
  const options = scheduleOf(wanted.taskQueue, wanted.retentionMs);
  if (!found) {
    await client.schedule.create(options);
    return 'created';
  }
  const { action } = found;
  const [input] = (action.type === 'startWorkflow' ? (action.args ?? []) : []) as (PruneInput | undefined)[];
  if (input?.older_than_ms === wanted.retentionMs) return 'unchanged';
  await handle.update(({ state }) => ({ ...options, state }));
  return 'updated';
}

const scheduleOf = (taskQueue: string, older_than_ms: number): ScheduleOptions => ({
  scheduleId: pruneScheduleId(taskQueue),
  // At three in the morning, UTC, within half an hour.
  spec: { calendars: [{ hour: 3 }], jitter: '30m' },
  action: {
    type: 'startWorkflow',
    workflowType: PRUNE_WORKFLOW,
    workflowId: `${pruneScheduleId(taskQueue)}-run`,
    taskQueue,
    args: [{ older_than_ms } satisfies PruneInput],
  },
  policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1d' },
  memo: { what: 'removes what finished batches have left: postcall setup, POSTCALL_RETENTION' },
});

async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}
