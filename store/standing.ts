import type { CallStanding, FinalFailure, WebhookStatus } from '../contract/index.js';

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
