import { CancellationScope, setHandler, workflowInfo } from '@temporalio/workflow';
import type { BatchInput, BatchResult, CallError, CallOutcome } from '../contract/batch.js';
import { MAX_ERRORS_IN_RESULT, PAGE_SIZE } from '../contract/limits.js';
import { pageReportSignal } from '../contract/messages.js';
import { ChildPages } from './child-pages.js';
import type { Delivery } from './delivery.js';
import { answerMessages, type Run, showDetails } from './messages.js';
import { Page } from './page.js';

/** Creates and delivers one webhook for each call: up to 500 calls here, more in pages as child workflows. */
export async function deliverBatch(input: BatchInput): Promise<BatchResult> {
  const run: Run = { batch_id: input.batch_id, user_id: input.user_id, finishedAt: null };
  const delivery = deliveryOf(input, () => showDetails(delivery, run.finishedAt));
  answerMessages(delivery, run);
  await CancellationScope.nonCancellable(() => delivery.run());
  run.finishedAt = new Date().toISOString();
  showDetails(delivery, run.finishedAt);
  return resultOf(delivery, input.batch_id, run.finishedAt);
}

function deliveryOf(input: BatchInput, onChange: () => void): Delivery {
  if (input.call_ids.length <= PAGE_SIZE) return new Page(input, onChange);
  const pages = new ChildPages(input, onChange);
  setHandler(pageReportSignal, (report) => pages.pageReported(report));
  return pages;
}

function resultOf(delivery: Delivery, batch_id: string, finished_at: string): BatchResult {
  const errors = delivery.exceptions().map(callErrorOf);
  return {
    batch_id,
    status: delivery.counts.canceled > 0 ? 'canceled' : 'completed',
    ...delivery.counts,
    started_at: workflowInfo().startTime.toISOString(),
    finished_at,
    errors: errors.slice(0, MAX_ERRORS_IN_RESULT),
    errors_omitted: Math.max(0, errors.length - MAX_ERRORS_IN_RESULT),
  };
}

const callErrorOf = ({ call_id, status, error }: CallOutcome): CallError => ({
  call_id,
  error: error?.type ?? status,
  message: error?.message ?? status,
});
