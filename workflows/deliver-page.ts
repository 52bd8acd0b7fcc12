import { CancellationScope, getExternalWorkflowHandle, log, setHandler, workflowInfo } from '@temporalio/workflow';
import type { CallOutcome, Counts, EndpointState } from '../contract/batch.js';
import { endpointGoneSignal, type PageReport, pageReportSignal } from '../contract/messages.js';
import { answerMessages, type Run, showDetails } from './messages.js';
import { Page, type PageInput } from './page.js';

/** Input of a page that runs as a workflow of its own. */
export interface ChildPageInput extends PageInput {
  /** Counted from 0. */
  page: number;
  /** What befell the batch before the page started: its calls are settled without sending. */
  start_as?: 'canceled' | 'gone';
}

export interface PageResult {
  counts: Counts;
  endpoint: EndpointState;
  /** Every outcome but `delivered`. */
  exceptions: CallOutcome[];
}

/** One page of a batch of several: delivers at most 500 calls and reports to its batch. */
export async function deliverPage(input: ChildPageInput): Promise<PageResult> {
  const run: Run = { batch_id: input.batch_id, user_id: input.user_id, finishedAt: null };
  const page = new Page(input, () => {
    showDetails(page, run.finishedAt);
    void report(reportOf(page, input.page));
  });
  answerMessages(page, run);
  setHandler(endpointGoneSignal, () => page.endpointGone());
  if (input.start_as === 'canceled') await page.cancel();
  if (input.start_as === 'gone') await page.endpointGone();
  await CancellationScope.nonCancellable(() => page.run());
  run.finishedAt = new Date().toISOString();
  showDetails(page, run.finishedAt);
  return { counts: page.counts, endpoint: page.endpoint, exceptions: page.exceptions() };
}

const reportOf = (page: Page, number: number): PageReport => ({
  page: number,
  first_attempts_done: page.firstAttemptsDone,
  counts: { ...page.counts },
  endpoint: page.endpoint,
  endpoint_since: page.endpointSince,
});

async function report(pageReport: PageReport): Promise<void> {
  const parent = workflowInfo().parent;
  if (!parent) return;
  try {
    await CancellationScope.nonCancellable(() =>
      getExternalWorkflowHandle(parent.workflowId).signal(pageReportSignal, pageReport),
    );
  } catch (error) {
    // The batch has been terminated: its page ends with it by the parent close policy.
    log.warn('the batch could not be told of its page', { error });
  }
}
