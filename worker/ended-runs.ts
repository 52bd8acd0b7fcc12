import type { Client } from '@temporalio/client';
import { decodeMapFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { BatchMemo, DeliverMemo } from '../contract/index.js';

/** A run of a workflow that has ended. */
export interface EndedRun {
  workflowId: string;
  runId: string;
  batches: BatchMemo[];
}

/** The runs that a query of the visibility store finds. One whose memo cannot be decoded is told of and left out: it must not hide the others. */
export async function listRuns(
  { options, workflowService }: Client,
  query: string,
  onError: (error: unknown) => void,
): Promise<EndedRun[]> {
  const runs: EndedRun[] = [];
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const page = await workflowService.listWorkflowExecutions({ namespace: options.namespace, query, nextPageToken });
    for (const { execution, memo } of page.executions) {
      try {
        const { workflowId, runId } = execution ?? {};
        const batches = batchesOf(await decodeMapFromPayloads(options.loadedDataConverter, memo?.fields));
        if (workflowId && runId && batches.length > 0) runs.push({ workflowId, runId, batches });
      } catch (error) {
        onError(error);
      }
    }
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
  return runs;
}

/** What a workflow's memo says of its batches. */
export function batchesOf(memo: Record<string, unknown> | undefined): BatchMemo[] {
  const { batches } = (memo ?? {}) as Partial<DeliverMemo>;
  return Array.isArray(batches) ? batches : [];
}
