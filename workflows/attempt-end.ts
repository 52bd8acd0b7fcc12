import { ActivityFailure, ApplicationFailure, isCancellation, TemporalFailure } from '@temporalio/workflow';
import type { DeliveryResult } from '../contract/delivery.js';
import { type AttemptFailureDetails, isFinalFailure, isRejection } from '../contract/failures.js';

/** What an execution of `deliverWebhook` means for its call. */
export type AttemptEnd =
  | { kind: 'delivered'; responseTimeMs: number }
  | { kind: 'in_flight' }
  | { kind: 'rejected' | 'failed'; error: { type: string; message: string }; gone: boolean }
  /** An attempt was made and failed: the next one is due after `delayMs`. */
  | { kind: 'retry'; delayMs: number; endpointFailed: boolean }
  /** No attempt was made: its worker died, the store was away, or it was called back while it waited for its next attempt. */
  | { kind: 'not_made'; delayMs: number };

/** Before a call is tried again whose attempt was not made for a reason that has no delay of its own. */
const NOT_MADE_DELAY_MS = 1_000;
const NOT_MADE: AttemptEnd = { kind: 'not_made', delayMs: NOT_MADE_DELAY_MS };
const CALLED_BACK: AttemptEnd = { kind: 'not_made', delayMs: 0 };

/** What an execution's result or failure means; throws only what is not an activity's failure. */
export const endOf = (execution: PromiseSettledResult<DeliveryResult>): AttemptEnd =>
  execution.status === 'fulfilled' ? endOfResult(execution.value) : endOfError(execution.reason);

function endOfResult(result: DeliveryResult): AttemptEnd {
  if (result.status === 'in_flight') return { kind: 'in_flight' };
  return { kind: 'delivered', responseTimeMs: Number.parseInt(result.attempt.response_time, 10) };
}

function endOfError(error: unknown): AttemptEnd {
  if (isCancellation(error)) return CALLED_BACK;
  if (!(error instanceof TemporalFailure)) throw error;
  // A local activity's failure comes as it was thrown, a regular one's as the cause of an ActivityFailure.
  return endOfFailure(error instanceof ActivityFailure ? error.cause : error);
}

function endOfFailure(cause: Error | undefined): AttemptEnd {
  if (!(cause instanceof ApplicationFailure)) return NOT_MADE;
  const { type, message } = cause;
  const error = { type: type ?? 'Error', message };
  if (isRejection(type)) return { kind: 'rejected', error, gone: false };
  if (isFinalFailure(type)) return { kind: 'failed', error, gone: type === 'EndpointGone' };
  if (type !== 'AttemptFailed') return NOT_MADE;
  const details = cause.details?.[0] as AttemptFailureDetails | undefined;
  return {
    kind: 'retry',
    delayMs: details?.next_attempt_in_ms ?? 0,
    endpointFailed: details?.endpoint_failed ?? true,
  };
}
