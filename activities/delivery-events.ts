import type { BatchBase, FinalFailure } from '../contract/index.js';
import type { EndpointChange, InterruptedAttempt, WebhookRef } from '../store/store.js';
import type { SendErrorKind } from './send-error.js';

/** Told of what becomes of webhooks, once it is recorded. Its methods neither wait nor throw. */
export interface RecordedEvents {
  attemptEnded(attempt: EndedAttempt): void;
  attemptsInterrupted(attempts: InterruptedAttempt[]): void;
  /** One webhook is failed for good. */
  webhookFailed(webhook: FailedWebhookEvent): void;
  /** Webhooks of one batch were settled together, without an attempt. */
  webhooksSettled(webhooks: SettledWebhooks): void;
  endpointChanged(change: EndpointChange): void;
}

/** For metrics and logs. */
export interface DeliveryEvents extends RecordedEvents {
  /** A request is being sent. The function is called when it has ended. */
  sending(): () => void;
}

/** `used_up`: the retry schedule, and with it the webhook. */
export const ATTEMPT_OUTCOMES = ['delivered', 'retry', 'gone', 'used_up'] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

export interface EndedAttempt extends WebhookRef {
  url: string;
  outcome: AttemptOutcome;
  /** Counts from 1 within the batch, interrupted ones left out. */
  attempt: number;
  response_code: number | null;
  error: string | null;
  error_kind: SendErrorKind | null;
  response_time_ms: number;
  /** ISO 8601. */
  sent_at: string;
  accepted_at: string;
  /** Milliseconds; null when nothing more is sent. */
  next_attempt_in: number | null;
}

export interface FailedWebhookEvent extends WebhookRef {
  /** Absent when it was never read. */
  url?: string;
  error: FinalFailure;
  reason: string;
}

export interface SettledWebhooks extends Pick<BatchBase, 'batch_id'> {
  /** Absent where only the batch is known. */
  user_id?: string;
  status: 'failed' | 'canceled';
  error: FinalFailure;
  /** How many. */
  webhooks: number;
}
