import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BatchHandle } from '../client/index.js';
import { failureMessage, type StoredWebhook } from '../contract/index.js';
import { StoreUnavailableError } from '../store/errors.js';
import type { FirstAttempts } from '../store/store.js';
import { batchWebhooks } from './batch-webhooks.js';
import type { Dependencies } from './dependencies.js';
import { ApiError, type ErrorEntry } from './errors.js';
import { preferredWait } from './prefer.js';
import { sendWebhooks } from './webhook-answer.js';

/** Seconds for which first attempts are waited for, unless `Prefer: wait` says otherwise. */
const DEFAULT_WAIT_SECONDS = 30;

interface Accepted {
  handle: BatchHandle;
  callIds: readonly string[];
  /** Whether the request may have been made before: then there may be something to tell without waiting. */
  repeatable: boolean;
}

/**
 * Answers for a batch that has been accepted: 200 when every first attempt has finished, 202 when the wait ended before, 400 when
 * every call was refused. The wait ends early when the server closes or the client has gone. A store that is away makes less known, and
 * no error: what was accepted goes on.
 */
export async function sendBatch(
  request: FastifyRequest,
  reply: FastifyReply,
  { handle, callIds, repeatable }: Accepted,
  dependencies: Pick<Dependencies, 'store' | 'firstAttempts'>,
): Promise<FastifyReply> {
  const wait = preferredWait(request.headers.prefer as string | undefined);
  const batch = { user_id: request.caller.userId, batch_id: handle.batchId, call_ids: callIds };
  const isBlind = wait === 0 && !repeatable;
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
    ...(first && rest && !isWhole && { rest }),
    errors: errors.length > 0 ? errors : null,
  });
}

interface Batch {
  user_id: string;
  batch_id: string;
  call_ids: readonly string[];
}

interface Found {
  /** Whether every first attempt has been made. */
  made: boolean;
  rejected: FirstAttempts['rejected'];
  /** Webhooks, read before the status is sent; undefined while the store is away. */
  first?: StoredWebhook[] | undefined;
  rest?: AsyncIterable<StoredWebhook[]>;
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
  const rest = batchWebhooks(store, batch);
  try {
    const rejected = made?.rejected ?? (await store.readBatch(batch.user_id, batch.batch_id))?.rejected_calls ?? [];
    const { value } = await rest.next();
    return { made: made !== undefined, rejected, first: value ?? [], rest };
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    request.log.warn({ reason: error.message }, 'an accepted batch is answered without its webhooks');
    return { ...NOTHING_KNOWN, rejected: made?.rejected ?? [] };
  }
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
