import {
  attributesOf,
  defined,
  exactly,
  type FailedQuery,
  type FailedRequest,
  failedRequestSchema,
  findFailedWorkflowId,
  hostOf,
  parseOrThrow,
  type ResendFailedInput,
  type ResendFailedRequest,
  resendFailedRequestSchema,
  resendFailedWorkflowId,
} from '../contract/index.js';
import { randomId } from './digests.js';

/** A search takes a moment; one that no worker took up is not worth keeping. */
const FIND_FAILED_TIMEOUT = '1m';

/** Throws `InvalidRequestError`. */
export function findFailedOptions(request: FailedRequest) {
  const query: FailedQuery = parseOrThrow(failedRequestSchema, request);
  return {
    workflowId: findFailedWorkflowId(randomId()),
    args: [query] as [FailedQuery],
    workflowExecutionTimeout: FIND_FAILED_TIMEOUT,
    staticSummary: `failed webhooks since ${query.since}`,
    memo: { user_id: query.user_id },
  } as const;
}

/** Throws `InvalidRequestError`. */
export function resendFailedOptions(request: ResendFailedRequest, now: Date) {
  const { until = now.toISOString(), ...rest } = parseOrThrow(resendFailedRequestSchema, request);
  const input = exactly<ResendFailedInput>()(defined({ ...rest, until }));
  const { user_id, since, url } = input;
  return {
    workflowId: resendFailedWorkflowId(randomId()),
    args: [input] as [ResendFailedInput],
    // Its batches carry what it does: it has no calls itself.
    attributes: attributesOf([user_id], url === undefined ? [] : [hostOf(url)], 0),
    staticSummary: `resend what failed from ${since} to ${until}`,
    memo: { user_id },
  };
}
