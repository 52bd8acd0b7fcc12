import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BatchHandle } from '../client/index.js';
import type { CallError, Webhook } from '../contract/index.js';
import { StoreUnavailableError } from '../store/errors.js';
import type { Store } from '../store/store.js';
import { batchWebhooks } from './batch-webhooks.js';
import { ApiError, type ErrorEntry } from './errors.js';
import { firstOutcomes } from './first-outcomes.js';
import { preferredWait } from './prefer.js';
import { webhookStream } from './webhook-stream.js';

/** Seconds for which first attempts are waited for, unless `Prefer: wait` says otherwise. */
const DEFAULT_WAIT_SECONDS = 30;

/**
 * Answers for a batch that has been accepted: 200 when every first attempt has finished, 202 when the wait ended before, 400 when
 * every call was refused. The wait ends early when the server closes or the client has gone.
 */
export async function sendBatch(
  request: FastifyRequest,
  reply: FastifyReply,
  { store, handle, callIds }: { store: Store; handle: BatchHandle; callIds: readonly string[] },
): Promise<FastifyReply> {
  const wait = preferredWait(request.headers.prefer as string | undefined);
  const { complete, refused } = await firstOutcomes(handle, {
    timeoutMs: (wait ?? DEFAULT_WAIT_SECONDS) * 1_000,
    signal: AbortSignal.any([request.signal, request.server.closing]),
    log: request.log,
  });
  const errors = refused.map(errorEntry);
  if (errors.length === callIds.length) throw new ApiError(400, errors);

  const webhooks = batchWebhooks(store, {
    user_id: request.caller.userId,
    batch_id: handle.batchId,
    call_ids: callIds,
  });
  const first = await firstPage(webhooks, request);
  if (wait !== undefined) reply.header('preference-applied', `wait=${wait}`);
  return reply
    .code(complete && first ? 200 : 202)
    .header('location', `/v1/postcall/batches/${handle.batchId}`)
    .type('application/json; charset=utf-8')
    .send(webhookStream(first ? chain(first, webhooks) : none(), errors.length > 0 ? errors : null));
}

/** Read before the status is sent. Undefined while the database is away: what was accepted is not answered with an error. */
async function firstPage(
  pages: AsyncGenerator<Webhook[], void, void>,
  request: FastifyRequest,
): Promise<Webhook[] | undefined> {
  try {
    const { value } = await pages.next();
    return value ?? [];
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    request.log.warn({ reason: error.message }, 'an accepted batch is answered without its webhooks');
    return undefined;
  }
}

async function* chain(first: Webhook[], rest: AsyncIterable<Webhook[]>): AsyncGenerator<Webhook[], void, void> {
  yield first;
  yield* rest;
}

async function* none(): AsyncGenerator<Webhook[], void, void> {}

const errorEntry = ({ call_id, message }: CallError): ErrorEntry => ({ error: 'invalid_parameter', message, call_id });
