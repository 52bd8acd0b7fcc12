import type { Attempt, SendType } from './webhook.js';

/** Input of the `deliverWebhook` activity. */
export interface DeliveryInput {
  batch_id: string;
  call_id: string;
  user_id: string;
  /** Absent in a resend. */
  webhook_url?: string;
  send_type: SendType;
}

/** `in_flight`: the request outlasted the express lane's patience and goes on in the worker process. */
export type DeliveryResult = { status: 'delivered'; attempt: Attempt } | { status: 'in_flight' };

/** Input of the `settleWebhooks` activity: ends calls without sending. */
export interface SettleInput {
  batch_id: string;
  user_id: string;
  webhook_url?: string;
  send_type: SendType;
  call_ids: string[];
  status: 'failed' | 'canceled';
  reason: string;
}

/** Input of the `findFailed` activity and filter of the failed webhooks' list. Times are ISO 8601. */
export interface FailedQuery {
  user_id: string;
  /** Webhooks that failed at or after this time. */
  since: string;
  /** Webhooks that failed before this time; now, if absent. */
  until?: string;
  url?: string;
  batch_id?: string;
  /** At most 500. */
  limit: number;
  /** From the page before. */
  cursor?: string;
}

/** A failed webhook as the store-less client sees it: no payload. */
export interface FailedWebhook {
  call_id: string;
  batch_id: string;
  url: string;
  reason: string | null;
  failed_at: string;
  attempts: number;
}

export interface FailedPage {
  webhooks: FailedWebhook[];
  next_cursor: string | null;
}

/** Input of the workflow that sends failed webhooks again. The window is fixed at the start, so that what fails again is not sent forever. */
export interface ResendFailedInput {
  user_id: string;
  since: string;
  until: string;
  url?: string;
  /** Set by the workflow itself when it continues as new. */
  cursor?: string;
  done?: ResendFailedResult;
}

export interface ResendFailedResult {
  /** The batches that were started, in the order of their start. */
  batches: string[];
  /** How many webhooks they send again. */
  calls: number;
}
