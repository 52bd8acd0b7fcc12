import { CancellationScope, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import type { BatchStatus, Counts } from '../contract/batch.js';
import {
  cancelSignal,
  outcomesQuery,
  type ProgressReport,
  pauseSignal,
  progressQuery,
  resumeSignal,
  retryNowSignal,
} from '../contract/messages.js';
import type { Delivery } from './delivery.js';

/** A delivery's state that only its workflow knows. */
export interface Run {
  batch_id: string;
  user_id: string;
  finishedAt: string | null;
}

/** Answers the contract's queries and signals; a cancellation of the workflow does what the `cancel` signal does. */
export function answerMessages(delivery: Delivery, run: Run): void {
  setHandler(progressQuery, () => progressOf(delivery, run));
  setHandler(outcomesQuery, (page) => delivery.outcomesOf(page));
  setHandler(retryNowSignal, ({ call_ids } = {}) => delivery.retryNow(call_ids));
  setHandler(pauseSignal, () => delivery.pause());
  setHandler(resumeSignal, () => delivery.resume());
  setHandler(cancelSignal, () => delivery.cancel());
  CancellationScope.current().cancelRequested.catch(() => delivery.cancel());
}

function progressOf(delivery: Delivery, { batch_id, user_id, finishedAt }: Run): ProgressReport {
  return {
    batch_id,
    user_id,
    status: statusOf(delivery, finishedAt),
    ...delivery.counts,
    endpoint: delivery.endpoint,
    endpoint_since: delivery.endpointSince,
    started_at: workflowInfo().startTime.toISOString(),
    finished_at: finishedAt,
    running_pages: delivery.runningPages(),
  };
}

export function statusOf(delivery: Delivery, finishedAt: string | null): BatchStatus {
  if (finishedAt !== null) return delivery.counts.canceled > 0 ? 'canceled' : 'completed';
  if (delivery.canceling) return 'canceling';
  return delivery.paused ? 'paused' : 'running';
}

/** What the Temporal Web UI shows as the workflow's current details (Markdown). */
export function showDetails(delivery: Delivery, finishedAt: string | null): void {
  const since = delivery.endpointSince ? ` since ${delivery.endpointSince}` : '';
  setCurrentDetails(
    [
      `**${statusOf(delivery, finishedAt)}**, endpoint **${delivery.endpoint}**${since}`,
      '',
      countsLine(delivery.counts),
    ].join('\n'),
  );
}

function countsLine({ total, ...counts }: Counts): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0);
  return `${total} calls: ${parts.map(([status, count]) => `${count} ${status}`).join(', ')}`;
}
