import { continueAsNew, ParentClosePolicy, startChild, uuid4 } from '@temporalio/workflow';
import type { FailedPage, FailedQuery, ResendFailedInput, ResendFailedResult } from '../contract/delivery.js';
import { batchWorkflowId } from '../contract/ids.js';
import { PAGE_SIZE } from '../contract/limits.js';
import type { deliverBatch } from './deliver-batch.js';
import { findFailed } from './lanes.js';

/** One page of a user's failed webhooks, for clients that have no access to the store. */
export function findFailedWebhooks(query: FailedQuery): Promise<FailedPage> {
  return findFailed(query);
}

/** Batches that one run starts before it continues as new: each costs about ten history events. */
const BATCHES_PER_RUN = 200;

/** Sends the failed webhooks of a period again: a batch for each 500 of them, started one after another. */
export async function resendFailedWebhooks(input: ResendFailedInput): Promise<ResendFailedResult> {
  const done = input.done ?? { batches: [], calls: 0 };
  let cursor = input.cursor;
  for (let started = 0; started < BATCHES_PER_RUN; started += 1) {
    const page = await findFailed({ ...filterOf(input), limit: PAGE_SIZE, ...(cursor && { cursor }) });
    if (page.webhooks.length > 0) done.batches.push(await resend(input.user_id, page));
    done.calls += page.webhooks.length;
    if (page.next_cursor === null) return done;
    cursor = page.next_cursor;
  }
  return continueAsNew<typeof resendFailedWebhooks>({ ...input, done, ...(cursor && { cursor }) });
}

const filterOf = ({ cursor: _, done: __, ...filter }: ResendFailedInput) => filter;

async function resend(user_id: string, { webhooks }: FailedPage): Promise<string> {
  const batch_id = `b_${uuid4().replaceAll('-', '')}`;
  await startChild<typeof deliverBatch>('deliverBatch', {
    workflowId: batchWorkflowId(batch_id),
    args: [{ batch_id, user_id, call_ids: webhooks.map(({ call_id }) => call_id), send_type: 'resend' }],
    parentClosePolicy: ParentClosePolicy.ABANDON,
    memo: { user_id },
    staticSummary: `resend ${webhooks.length} failed webhooks`,
  });
  return batch_id;
}
