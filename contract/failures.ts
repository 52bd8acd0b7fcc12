/** Why a call of a batch was not delivered: the words of `errors`, `outcomes` and the store's reasons. */

/** The batch has no webhook for the call; nothing was sent. */
export const REJECTIONS = [
  'CallNotFound',
  'WebhookExists',
  'WebhookNotFound',
  'WebhookInProgress',
  'WebhookNotFailed',
  'WebhookErased',
] as const;
export type Rejection = (typeof REJECTIONS)[number];

/** The webhook is `failed`, or `canceled` for BatchCanceled and BatchPruned. */
export const FINAL_FAILURES = [
  'EndpointGone',
  'ScheduleUsedUp',
  'NeverTried',
  'CallUnreadable',
  'InterruptedRepeatedly',
  'CallErased',
  'Superseded',
  'BatchEnded',
  'BatchCanceled',
  'BatchPruned',
] as const;
export type FinalFailure = (typeof FINAL_FAILURES)[number];

export type FailureType = Rejection | FinalFailure;

const MESSAGES: Record<FailureType, (callId: string) => string> = {
  CallNotFound: (callId) => `call ${callId} was not found`,
  WebhookExists: (callId) => `call ${callId} already has a webhook; resend sends it again`,
  WebhookNotFound: (callId) => `call ${callId} has no webhook to send again`,
  WebhookInProgress: (callId) => `the webhook of call ${callId} is still being delivered`,
  WebhookNotFailed: (callId) => `the webhook of call ${callId} is not failed any more`,
  WebhookErased: (callId) => `the data of call ${callId} was erased: there is nothing to send`,
  EndpointGone: () => 'the endpoint answered 410 Gone',
  ScheduleUsedUp: () => 'the retry schedule is used up',
  NeverTried: () => 'never tried: its endpoint was down until the horizon',
  CallUnreadable: () => 'the call could not be read',
  InterruptedRepeatedly: () => 'three attempts in a row ended with the death of their worker',
  CallErased: () => 'the data of its call was erased',
  Superseded: () => 'a later resend took the webhook over',
  BatchEnded: () => 'the workflow of its batch ended from outside',
  BatchCanceled: () => 'the batch was canceled',
  BatchPruned: () => 'the batch was removed from the store',
};

/** One line for people; the store keeps a more exact reason of a failed webhook. */
export const failureMessage = (type: FailureType, callId: string): string => MESSAGES[type](callId);

/** Why a workflow fails whose only batch had every call rejected: the same idempotency key may then start a new batch. */
export const EVERY_CALL_REJECTED = 'EveryCallRejected';
