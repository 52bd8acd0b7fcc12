import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { BatchHandle } from '../../client/index.js';
import { failureMessage, MAX_IDEMPOTENCY_KEY_LENGTH, type StoredWebhook } from '../../contract/index.js';
import { StoreUnavailableError } from '../../store/errors.js';
import type { FirstAttempts, Store } from '../../store/store.js';
import type { Dependencies } from '../dependencies.js';
import { ApiError, type ErrorEntry } from '../errors.js';
import type { Caller } from '../http/key-cache.js';
import { batchWebhooks, FEW, fewWebhooks } from './batch-webhooks.js';
import { MAX_WAIT_SECONDS, preferredWait } from './prefer.js';
import { sendWebhooks } from './webhooks.js';

/** Seconds for which first attempts are waited for, unless `Prefer: wait` says otherwise. */
const DEFAULT_WAIT_SECONDS = 30;

const KEY_RULE = `must have 1 to ${MAX_IDEMPOTENCY_KEY_LENGTH} characters`;

/** Headers of requests that start a batch. */
export const batchRequestHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .min(1, KEY_RULE)
    .max(MAX_IDEMPOTENCY_KEY_LENGTH, KEY_RULE)
    .optional()
    .describe(
      'Makes a repeated request answer for the batch of the first one instead of starting another. With another body: 422.',
    ),
  prefer: z
    .string()
    .optional()
    .describe(
      `\`wait=N\` (RFC 7240): wait at most N seconds, 0 to ${MAX_WAIT_SECONDS}, for first attempts. Default 30. What cannot be understood is ignored.`,
    ),
});

/** Headers of an answer for a batch, as the OpenAPI document shows them. */
export const BATCH_HEADERS = {
  location: { type: 'string', description: 'Path of the batch: its progress, and what can be done with it.' },
  'preference-applied': { type: 'string', description: '`wait=N`, when the request preferred one.' },
};

interface Accepted {
  handle: BatchHandle;
  callIds: readonly string[];
}

/** What a request says beside its body; the body is handed on as its schema publishes it. */
export function senderOf(request: {
  caller: Caller;
  headers: z.infer<typeof batchRequestHeaders>;
  traceparent?: string;
}) {
  const { 'idempotency-key': key } = request.headers;
  const { caller, traceparent } = request;
  return {
    user_id: caller.userId,
    ...(key !== undefined && { idempotency_key: key }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/**
 * Answers for a batch that has been accepted: 200 when every first attempt has finished, 202 when the wait ended before, 400 when every
 * call was rejected. The wait ends early when the server closes or the client has gone. With a store that is away the answer tells less;
 * the batch goes on.
 */
export async function sendBatch(
  request: FastifyRequest,
  reply: FastifyReply,
  { handle, callIds }: Accepted,
  dependencies: Pick<Dependencies, 'store' | 'firstAttempts'>,
): Promise<FastifyReply> {
  request.accepted = { batchId: handle.batchId, calls: callIds.length };
  const wait = preferredWait(request.headers.prefer as string | undefined);
  const batch = { user_id: request.caller.userId, batch_id: handle.batchId, call_ids: callIds };
  // One that may have been made before may have something to tell without waiting.
  const isBlind = wait === 0 && request.headers['idempotency-key'] === undefined;
  const found = isBlind
    ? NOTHING_KNOWN
    : await lookAt(batch, (wait ?? DEFAULT_WAIT_SECONDS) * 1_000, request, reply, dependencies);
  const { made, rejected, first, rest } = found;
  const errors = errorEntries(rejected, callIds);
  if (errors.length === callIds.length) throw new ApiError(400, errors);

  if (wait !== undefined) reply.header('preference-applied', `wait=${wait}`);
  reply.code(made && first ? 200 : 202).header('location', `/v1/postcall/batches/${handle.batchId}`);
  const isWhole = (first?.length ?? 0) + errors.length >= callIds.length;
  return sendWebhooks(reply, {
    first: first ?? [],
    ...(rest && !isWhole && { rest }),
    errors: errors.length > 0 ? errors : null,
  });
}

interface Batch {
  user_id: string;
  batch_id: string;
  call_ids: readonly string[];
}

interface Webhooks {
  /** Read before the status is sent; absent while the store is away. */
  first?: StoredWebhook[];
  rest?: AsyncIterable<StoredWebhook[]>;
}

interface Found extends Webhooks {
  /** Whether every first attempt has been made. */
  made: boolean;
  rejected: FirstAttempts['rejected'];
}

const NOTHING_KNOWN: Found = { made: false, rejected: [] };

async function lookAt(
  batch: Batch,
  timeoutMs: number,
  request: FastifyRequest,
  reply: FastifyReply,
  { store, firstAttempts }: Pick<Dependencies, 'store' | 'firstAttempts'>,
): Promise<Found> {
  const made = await untilGone(reply, firstAttempts.wait(batch.batch_id, timeoutMs));
  if (reply.raw.destroyed) {
    request.log.info('the client has gone before its answer');
    return NOTHING_KNOWN;
  }
  try {
    if (made) return { made: true, rejected: made.rejected, ...(await webhooksOf(store, batch, made.rejected)) };
    const stored = await store.readBatch(batch.user_id, batch.batch_id);
    const rejected = stored?.rejected_calls ?? [];
    return { made: false, rejected, ...(stored && (await pagesOf(store, batch))) };
  } catch (error) {
    const reason = error instanceof StoreUnavailableError ? { reason: error.message } : { err: error };
    request.log.warn(reason, 'an accepted batch is answered without its webhooks');
    return { made: false, rejected: made?.rejected ?? [] };
  }
}

async function webhooksOf(store: Store, batch: Batch, rejected: FirstAttempts['rejected']): Promise<Webhooks> {
  if (batch.call_ids.length > FEW) return pagesOf(store, batch);
  const rejectedIds = new Set(rejected.map(({ call_id }) => call_id));
  const accepted = batch.call_ids.filter((callId) => !rejectedIds.has(callId));
  return { first: await fewWebhooks(store, batch.user_id, accepted) };
}

async function pagesOf(store: Store, batch: Batch): Promise<Webhooks> {
  const rest = batchWebhooks(store, batch);
  const { value } = await rest.next();
  return { first: value ?? [], rest };
}

/** Ends the wait when the client has gone. */
async function untilGone<T>(reply: FastifyReply, { made, giveUp }: { made: Promise<T>; giveUp(): void }): Promise<T> {
  reply.raw.once('close', giveUp);
  try {
    return await made;
  } finally {
    reply.raw.off('close', giveUp);
  }
}

/** In the order of the request. */
function errorEntries(rejected: FirstAttempts['rejected'], callIds: readonly string[]): ErrorEntry[] {
  if (rejected.length === 0) return [];
  const errorOf = new Map(rejected.map(({ call_id, error }) => [call_id, error]));
  return callIds.flatMap((call_id) => {
    const error = errorOf.get(call_id);
    return error ? [{ error: 'invalid_parameter', message: failureMessage(error, call_id), call_id }] : [];
  });
}
