import type { Client } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { BatchRequest, DeliverInput } from '../contract/index.js';

/** What a workflow was asked to deliver, and when, in milliseconds since the epoch: from the first event of its history. */
export async function readStart(
  client: Client,
  execution: { workflowId: string; runId: string },
): Promise<{ batches: BatchRequest[]; startedAt: number }> {
  const { namespace, loadedDataConverter } = client.options;
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace,
    execution,
    maximumPageSize: 1,
  });
  const event = history?.events?.[0];
  const payloads = event?.workflowExecutionStartedEventAttributes?.input?.payloads;
  const [input] = (await decodeArrayFromPayloads(loadedDataConverter, payloads)) as [DeliverInput | undefined];
  return { batches: input?.batches ?? [], startedAt: Number(event?.eventTime?.seconds ?? 0) * 1_000 };
}
