import {
  type BatchInput,
  type BatchMemo,
  batchWorkflowId,
  type CreateRequest,
  createRequestSchema,
  InvalidRequestError,
  MAX_BATCH_INPUT_BYTES,
  parseOrThrow,
  type ResendRequest,
  resendRequestSchema,
} from '../contract/index.js';
import { batchIdOfKey, fairnessKey, randomBatchId, requestFingerprint } from './digests.js';
import { staticDetails, staticSummary } from './static-text.js';

/** A validated request, as the start of its workflow needs it. */
export interface BatchStart {
  input: BatchInput;
  fingerprint: string;
  idempotencyKey: string | undefined;
}

/** Throws `InvalidRequestError`. */
export function createStart(request: CreateRequest): BatchStart {
  const { webhook_url, ...rest } = parseOrThrow(createRequestSchema, request);
  return batchStart({ ...rest, webhook_url, send_type: 'create' });
}

/** Throws `InvalidRequestError`. */
export function resendStart(request: ResendRequest): BatchStart {
  return batchStart({ ...parseOrThrow(resendRequestSchema, request), send_type: 'resend' });
}

type ParsedRequest = ResendRequest & Pick<BatchInput, 'send_type' | 'webhook_url'>;

function batchStart({ idempotency_key, options, ...rest }: ParsedRequest): BatchStart {
  const { user_id, webhook_url } = rest;
  const input: BatchInput = {
    batch_id: idempotency_key === undefined ? randomBatchId() : batchIdOfKey(user_id, idempotency_key),
    ...rest,
    ...(options && { options }),
    fairness_key: fairnessKey(user_id, webhook_url),
  };
  refuseTooLarge(input);
  return { input, fingerprint: requestFingerprint({ ...rest, options }), idempotencyKey: idempotency_key };
}

function refuseTooLarge(input: BatchInput): void {
  const bytes = Buffer.byteLength(JSON.stringify(input));
  if (bytes <= MAX_BATCH_INPUT_BYTES) return;
  const message = `call_ids makes a request of ${bytes} bytes, more than ${MAX_BATCH_INPUT_BYTES}; send the calls in several requests`;
  throw new InvalidRequestError([{ field: 'call_ids', message }]);
}

/** Options of the batch workflow's start, but its task queue. */
export function startOptions({ input, fingerprint }: BatchStart) {
  const memo: BatchMemo = { user_id: input.user_id, fingerprint };
  return {
    workflowId: batchWorkflowId(input.batch_id),
    args: [input] as [BatchInput],
    memo: { ...memo },
    // Inherited by the batch's pages and activities, which add their own priority.
    ...(input.fairness_key !== undefined && { priority: { fairnessKey: input.fairness_key } }),
    staticSummary: staticSummary(input),
    staticDetails: staticDetails(input),
  };
}
