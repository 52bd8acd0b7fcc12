import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { AttemptFailureDetails, FailureType, FinalFailure, Rejection } from '../contract/index.js';

/** Longer messages would weigh on the workflow's mutable state, where each pending activity keeps its last failure. */
const MAX_MESSAGE_LENGTH = 300;

interface FailureOptions {
  nonRetryable?: boolean;
  nextRetryDelayMs?: number;
  details?: AttemptFailureDetails;
  /** An outcome of everyday life: logged at debug level, and not counted as an error. */
  benign?: boolean;
}

function failure(type: FailureType, message: string, options: FailureOptions = {}): ApplicationFailure {
  const { nonRetryable = false, nextRetryDelayMs, details, benign = true } = options;
  const created = ApplicationFailure.create({
    type,
    message: message.slice(0, MAX_MESSAGE_LENGTH),
    nonRetryable,
    ...(benign && { category: ApplicationFailureCategory.BENIGN }),
    ...(nextRetryDelayMs !== undefined && { nextRetryDelay: Math.max(1, Math.round(nextRetryDelayMs)) }),
    ...(details && { details: [details] }),
  });
  // These are outcomes, not bugs: their stack says nothing, and would be stored with each pending activity.
  created.stack = `${type}: ${created.message}`;
  return created;
}

const REJECTION_MESSAGES: Record<Rejection, (callId: string) => string> = {
  CallNotFound: (callId) => `call ${callId} was not found`,
  WebhookExists: (callId) => `call ${callId} already has a webhook; resend sends it again`,
  WebhookNotFound: (callId) => `call ${callId} has no webhook to send again`,
  WebhookInProgress: (callId) => `the webhook of call ${callId} is still being delivered`,
};

/** What a rejected call is told. */
export const rejectionMessage = (type: Rejection, callId: string): string => REJECTION_MESSAGES[type](callId);

/** The batch has no webhook for this call. Final. */
export const rejected = (type: Rejection, callId: string): ApplicationFailure =>
  failure(type, rejectionMessage(type, callId), { nonRetryable: true });

/** The webhook is failed. */
export const finallyFailed = (
  type: FinalFailure,
  message: string,
  details?: AttemptFailureDetails,
): ApplicationFailure => failure(type, message, { nonRetryable: true, ...(details && { details }) });

/** The attempt failed; the next is due after `nextRetryDelayMs`. */
export const attemptFailed = (
  message: string,
  nextRetryDelayMs: number,
  details: AttemptFailureDetails,
): ApplicationFailure =>
  failure('AttemptFailed', message, {
    nextRetryDelayMs,
    details: { ...details, next_attempt_in_ms: Math.max(1, Math.round(nextRetryDelayMs)) },
  });

/** No attempt was made: the worker has as many in flight at this endpoint as it may. */
export const endpointBusy = (nextRetryDelayMs: number): ApplicationFailure =>
  failure('EndpointBusy', 'as many attempts are in flight at this endpoint as one worker may have', {
    nextRetryDelayMs,
  });

/** No attempt was made, or its end is not recorded yet: the database does not answer. */
export const storeUnavailable = (error: unknown): ApplicationFailure =>
  failure('StoreUnavailable', `the store failed: ${messageOf(error)}`, { benign: false });

/** No attempt was made: the call source does not answer. */
export const callSourceUnavailable = (error: unknown, nextRetryDelayMs?: number): ApplicationFailure =>
  failure('CallSourceUnavailable', `the call source failed: ${messageOf(error)}`, {
    benign: false,
    ...(nextRetryDelayMs !== undefined && { nextRetryDelayMs }),
  });

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
