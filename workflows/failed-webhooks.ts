import { continueAsNew, getRandomStream, ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { BatchRequest } from '../contract/batch.js';
import type { FailedPage, FailedQuery, ResendFailedInput, ResendFailedResult } from '../contract/delivery.js';
import { exactly } from '../contract/exactly.js';
import { batchId, workflowIdOf } from '../contract/ids.js';
import { PAGE_SIZE } from '../contract/limits.js';
import { DELIVER_WORKFLOW, type DeliverInput } from '../contract/messages.js';
import { searchAttributesOf } from '../contract/search-attributes.js';
import { findFailed } from './activities.js';
import type { deliverWebhooks } from './deliver-webhooks.js';

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
    if (page.webhooks.length > 0) done.batches.push(await resend(input, page));
    done.calls += page.webhooks.length;
    if (page.next_cursor === null) return done;
    cursor = page.next_cursor;
  }
  return continueAsNew<typeof resendFailedWebhooks>({ ...input, done, ...(cursor && { cursor }) });
}

const filterOf = ({
  cursor: _cursor,
  done: _done,
  options: _options,
  search_attributes: _attributes,
  ...filter
}: ResendFailedInput) => exactly<Omit<FailedQuery, 'limit' | 'cursor'>>()(filter);

/** Two resends at the same moment find the same webhooks: a batch takes only those that are still failed. */
async function resend(
  { user_id, options, search_attributes }: ResendFailedInput,
  { webhooks }: FailedPage,
): Promise<string> {
  // Interceptors draw from the workflow's own random numbers: with and without them a replay must come to the same IDs.
  const ids = getRandomStream('batch IDs');
  const batch_id = batchId(`b_${ids.uuid4().replaceAll('-', '')}`, ids.uuid4().slice(0, 8));
  const call_ids = webhooks.map(({ call_id }) => call_id);
  const base = { batch_id, user_id, send_type: 'resend', only_failed: true } as const;
  const batches: BatchRequest[] = [{ ...base, call_ids, ...(options && { options }) }];
  const input: DeliverInput<never> = { batches, ...(search_attributes && { search_attributes }) };
  await startChild<typeof deliverWebhooks>(DELIVER_WORKFLOW, {
    workflowId: workflowIdOf(batch_id),
    args: [input],
    parentClosePolicy: ParentClosePolicy.ABANDON,
    memo: { batches: [{ batch_id, user_id, total: call_ids.length }] },
    ...(search_attributes && { typedSearchAttributes: searchAttributesOf(batches) }),
    staticSummary: `resend ${call_ids.length} failed webhooks`,
  });
  return batch_id;
}
