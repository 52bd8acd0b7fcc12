import {
  type BatchMemo,
  type BatchRequest,
  batchId,
  type CreateRequest,
  createRequestSchema,
  type DeliverInput,
  type DeliverMemo,
  defined,
  exactly,
  InvalidRequestError,
  MAX_BATCH_INPUT_BYTES,
  parseOrThrow,
  type ResendRequest,
  resendRequestSchema,
  searchAttributesOf,
  workflowIdOf,
} from '../contract/index.js';
import { fairnessKey, randomSuffix, randomWorkflowPart, requestFingerprint, workflowPartOfKey } from './digests.js';
import { staticDetails, staticSummary } from './static-text.js';

/** A validated request, as the start of its workflow needs it. Its batch gets an ID with the start. */
export interface BatchStart {
  request: Omit<BatchRequest, 'batch_id'>;
  /** Bytes of the serialised request. */
  bytes: number;
  /** Of a request with an idempotency key. */
  repeatable?: { idempotencyKey: string; workflowPart: string; fingerprint: string };
}

/** Throws `InvalidRequestError`. */
export function createStart(request: CreateRequest): BatchStart {
  return batchStart({ ...parseOrThrow(createRequestSchema, request), send_type: 'create' });
}

/** Throws `InvalidRequestError`. */
export function resendStart(request: ResendRequest): BatchStart {
  return batchStart({ ...parseOrThrow(resendRequestSchema, request), send_type: 'resend' });
}

/** Whatever a create or a resend may say. */
type ParsedRequest = ResendRequest & Partial<CreateRequest> & Pick<BatchRequest, 'send_type'>;

function batchStart({ idempotency_key, ...fields }: ParsedRequest): BatchStart {
  const request = exactly<BatchStart['request']>()(defined(fields));
  const start = { request, bytes: sizeOf(request) };
  if (idempotency_key === undefined) return start;
  const repeatable = {
    idempotencyKey: idempotency_key,
    workflowPart: workflowPartOfKey(request.user_id, idempotency_key),
    fingerprint: requestFingerprint(request),
  };
  return { ...start, repeatable };
}

function sizeOf(request: BatchStart['request']): number {
  const bytes = Buffer.byteLength(JSON.stringify(request));
  if (bytes <= MAX_BATCH_INPUT_BYTES) return bytes;
  const message = `call_ids makes a request of ${bytes} bytes, more than ${MAX_BATCH_INPUT_BYTES}; send the calls in several requests`;
  throw new InvalidRequestError([{ field: 'call_ids', message }]);
}

/** The start of one workflow for these requests: its options, but the task queue, and the IDs that their batches get, in their order. */
export function workflowStart(starts: readonly BatchStart[]) {
  const [first] = starts;
  const workflowPart = first?.repeatable?.workflowPart ?? randomWorkflowPart();
  const suffixes = distinctSuffixes(starts.length);
  const batches = starts.map(({ request }, index) => ({
    batch_id: batchId(workflowPart, suffixes[index] ?? ''),
    ...request,
  }));
  const memo: DeliverMemo = { batches: batches.map((batch, index) => memoOf(batch, starts[index])) };
  return {
    batchIds: batches.map(({ batch_id }) => batch_id),
    options: {
      workflowId: workflowIdOf(batchId(workflowPart, '')),
      args: [{ batches }] as [DeliverInput<never>],
      memo: { ...memo },
      attributes: searchAttributesOf(batches),
      ...(first && starts.length === 1 && { priority: priorityOf(first) }),
      staticSummary: staticSummary(batches),
      staticDetails: staticDetails(batches),
    },
  };
}

const priorityOf = ({ request: { user_id, webhook_url } }: BatchStart) => ({
  fairnessKey: fairnessKey(user_id, webhook_url),
});

const memoOf = ({ batch_id, user_id, call_ids }: BatchRequest, start: BatchStart | undefined): BatchMemo => ({
  batch_id,
  user_id,
  total: call_ids.length,
  ...(start?.repeatable && { fingerprint: start.repeatable.fingerprint }),
});

/** Of 500 random suffixes two are the same once in 34,000 groups. */
function distinctSuffixes(count: number): string[] {
  const suffixes = new Set<string>();
  while (suffixes.size < count) suffixes.add(randomSuffix());
  return [...suffixes];
}
