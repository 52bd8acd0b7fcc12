import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Wake } from '../activities/recovery.js';
import { wakeSignal } from '../contract/index.js';

/** Others wait for their turn behind a signal that is not answered. */
const DEADLINE_MS = 10_000;

/** Tells a workflow which of its webhooks are due. Does nothing where it has ended: none of its calls waits. Throws after ten seconds. */
export async function wakeWorkflow(client: Client, workflowId: string, wake: Wake): Promise<void> {
  try {
    await client.withDeadline(Date.now() + DEADLINE_MS, () =>
      client.workflow.getHandle(workflowId).signal(wakeSignal, wake),
    );
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
