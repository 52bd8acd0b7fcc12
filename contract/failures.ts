/** The types of the ApplicationFailures that activities throw, grouped by what the workflow does about them. */

/** The batch has no webhook for the call; nothing was sent. Final. */
export const REJECTIONS = ['CallNotFound', 'WebhookExists', 'WebhookNotFound', 'WebhookInProgress'] as const;
export type Rejection = (typeof REJECTIONS)[number];

/** The webhook is `failed`; `WebhookSettled`: it was so already. Final. */
export const FINAL_FAILURES = ['EndpointGone', 'ScheduleUsedUp', 'WebhookSettled'] as const;
export type FinalFailure = (typeof FINAL_FAILURES)[number];

/** Nothing is decided yet: try again after the failure's `nextRetryDelay`, or the retry policy's interval without one. */
export const RETRYABLE_FAILURES = [
  'AttemptFailed',
  'EndpointBusy',
  'StoreUnavailable',
  'CallSourceUnavailable',
] as const;
export type RetryableFailure = (typeof RETRYABLE_FAILURES)[number];

export type FailureType = Rejection | FinalFailure | RetryableFailure;

/** What happened to a call that has no failure of its own: its batch was canceled. */
export const BATCH_CANCELED = 'BatchCanceled';
/** Likewise: the workflow of its page was terminated from outside. */
export const PAGE_LOST = 'PageLost';

/** Details (the first one) of `AttemptFailed`, `EndpointGone` and `ScheduleUsedUp`. */
export interface AttemptFailureDetails {
  response_code: number | null;
  /** True when the endpoint as a whole failed (refused, DNS, TLS, timeout, 429, 5xx), not this one webhook. */
  endpoint_failed: boolean;
  /** Milliseconds until the next attempt is due; absent when there is none. The failure's `nextRetryDelay` says the same to the server. */
  next_attempt_in_ms?: number;
}

const isOneOf =
  <T extends string>(types: readonly T[]) =>
  (type: string | null | undefined): type is T =>
    types.includes(type as T);

export const isRejection = isOneOf(REJECTIONS);
export const isFinalFailure = isOneOf(FINAL_FAILURES);
