import type { CallStanding, FinalFailure, WebhookStatus } from '../contract/index.js';
import { isThere } from './sql.js';

/** Where a webhook stands for the batch that holds it. `due_in`: milliseconds, of one that waits. */
export function standingOf(status: WebhookStatus, error: FinalFailure | null, due_in: number | null): CallStanding {
  switch (status) {
    case 'delivered':
      return { status };
    case 'failed':
      return { status, error: error ?? 'ScheduleUsedUp' };
    case 'canceled':
      return { status, error: error ?? 'BatchCanceled' };
    case 'pending':
    case 'retrying':
      return { status: 'retrying', due_in: Math.max(0, Math.ceil(due_in ?? 0)) };
  }
}

/** Whether a webhook has an attempt that is open and within its deadline. The argument is a qualified column. */
export const isInFlight = (webhookId: string): string =>
  isThere(`attempts open
    where open.webhook_id = ${webhookId} and open.finished_at is null and open.deadline > clock_timestamp()`);

/** Whether a batch has delivered a webhook, which another may hold now. Arguments are qualified columns. */
export const wasDelivered = (webhookId: string, batchId: string): string =>
  isThere(`attempts own
    where own.webhook_id = ${webhookId} and own.batch_id = ${batchId} and own.response_code between 200 and 299`);

/** Where a webhook stands for a batch from which another one has taken it over. */
export const standingTaken = (wasDelivered: boolean): CallStanding =>
  wasDelivered ? { status: 'delivered' } : { status: 'failed', error: 'Superseded' };
