import { setTimeout as delay } from 'node:timers/promises';
import { createApiKey, findUserByApiKey, listApiKeys, revokeApiKey } from './api-keys.js';
import { upsertCalls } from './calls.js';
import { closeAttempts } from './close-attempts.js';
import type { Database } from './database.js';
import { failUnsettled, findUnfinished } from './ended-batches.js';
import { StoreUnavailableError } from './errors.js';
import { grouped } from './grouping.js';
import { openAttempts } from './open-attempts.js';
import { fillFromCalls, readPayload, storePayload } from './payloads.js';
import { prune } from './prune.js';
import {
  getWebhook,
  getWebhooks,
  listBatchWebhooks,
  listFailed,
  listFailedWebhooks,
  TOO_LARGE,
  type WebhookKey,
} from './read-webhooks.js';
import { registerBatches } from './register-batches.js';
import { inRounds, LOCKED, type Statement } from './rounds.js';
import { failWebhook, rejectWebhook, settleWebhooks } from './settle-webhooks.js';
import { shareAttempt } from './share-attempt.js';
import { createSigningSecret, listSigningSecrets, revokeSigningSecret } from './signing-secrets.js';
import { PING } from './statement.js';
import type { OpenRequest, OpenResult, Store, WebhookRef } from './store.js';
import { checkpoint, firstAttemptsMade, readBatch } from './stored-batches.js';
import { claimProbes, claimWaiting } from './waiting-webhooks.js';
import { readStandings } from './watched-webhooks.js';

/** Between two tries to lock a row that somebody else has locked, growing to half a second. */
const FIRST_LOCK_DELAY_MS = 10;
const LONGEST_LOCK_DELAY_MS = 500;
/** A lock that lasts longer is an absence: whoever asked asks again. */
const LOCK_PATIENCE_MS = 10_000;
/** Large texts in memory at once. */
const LARGE_PAYLOADS = 2;

const byWebhook = ({ user_id, call_id }: WebhookRef): string => `${user_id}\n${call_id}`;

/** The store over any database that speaks PostgreSQL's dialect. */
export function sqlStore(database: Database): Store {
  const shared = <Request extends WebhookRef, Answer>(
    statement: (database: Database, requests: readonly Request[]) => ReturnType<Statement<Request, Answer>>,
    bytesOf?: (request: Request) => number,
  ) =>
    untilFree(
      grouped<Request, Answer | typeof LOCKED>(
        (requests) => inRounds((round) => statement(database, round), byWebhook, requests),
        { concurrency: database.concurrency, ...(bytesOf && { bytesOf }) },
      ),
    );
  const open = shared(openAttempts, ({ payload }: OpenRequest) => payload?.length ?? 0);
  const readLarge = grouped(([ref]: readonly WebhookRef[]) => readOne(database, ref), {
    maxSize: 1,
    concurrency: LARGE_PAYLOADS,
  });

  const getShared = grouped((keys: readonly WebhookKey[]) => getWebhooks(database, keys), {
    concurrency: database.concurrency,
  });

  return {
    registerBatches: (request) => registerBatches(database, request),
    openAttempt: (request) => openWithText(database, request, open, readLarge),
    shareAttempt: (seq) => shareAttempt(database, seq),
    storePayload: (request) => storePayload(database, request),
    closeAttempt: shared(closeAttempts),
    rejectWebhook: (request) => rejectWebhook(database, request),
    failWebhook: (request) => failWebhook(database, request),
    settleWebhooks: (request) => settleWebhooks(database, request),
    readStanding: shared(readStandings),
    checkpoint: (request) => checkpoint(database, request),
    firstAttemptsMade: (batchIds) => firstAttemptsMade(database, batchIds),
    readBatch: (userId, batchId) => readBatch(database, userId, batchId),
    findUnfinished: (workflowIds) => findUnfinished(database, workflowIds),
    failUnsettled: (batch) => failUnsettled(database, batch),
    claimWaiting: (endpoint) => claimWaiting(database, endpoint),
    claimProbes: (options) => claimProbes(database, options),
    getWebhook: async (user_id, call_id) => {
      const found = await getShared({ user_id, call_id });
      return found === TOO_LARGE ? getWebhook(database, { user_id, call_id }) : found;
    },
    listBatchWebhooks: (query) => listBatchWebhooks(database, query),
    listFailed: (query) => listFailed(database, query),
    listFailedWebhooks: (query) => listFailedWebhooks(database, query),
    upsertCalls: (calls) => upsertCalls(database, calls),
    prune: (options) => prune(database, options),
    createApiKey: (userId, key) => createApiKey(database, userId, key),
    listApiKeys: (userId) => listApiKeys(database, userId),
    revokeApiKey: (prefix) => revokeApiKey(database, prefix),
    findUserByApiKey: (key) => findUserByApiKey(database, key),
    createSigningSecret: (userId, secret) => createSigningSecret(database, userId, secret),
    listSigningSecrets: (userId) => listSigningSecrets(database, userId),
    revokeSigningSecret: (id) => revokeSigningSecret(database, id),
    ping: async () => void (await database.run(PING, [])),
    close: () => database.close(),
  };
}

/** Asks again for a row that is locked, by itself: whoever shared its statement has been answered. */
function untilFree<Request, Answer>(
  ask: (request: Request) => Promise<Answer | typeof LOCKED>,
): (request: Request) => Promise<Answer> {
  return async (request) => {
    const giveUpAt = performance.now() + LOCK_PATIENCE_MS;
    for (let pause = FIRST_LOCK_DELAY_MS; ; pause = Math.min(pause * 2, LONGEST_LOCK_DELAY_MS)) {
      const answer = await ask(request);
      if (answer !== LOCKED) return answer;
      if (performance.now() > giveUpAt) throw new StoreUnavailableError('the webhook is locked: try again');
      await delay(pause);
    }
  };
}

/** What of a text is too large to travel with others comes by itself. */
async function openWithText(
  database: Database,
  request: OpenRequest,
  open: (request: OpenRequest) => Promise<OpenResult>,
  readLarge: (ref: WebhookRef) => Promise<string>,
): Promise<OpenResult> {
  const opened = await open(request);
  if (opened.kind === 'needs_payload' && (await fillFromCalls(database, request))) return open(request).then(withText);
  return withText(opened);

  async function withText(result: OpenResult): Promise<OpenResult> {
    if (result.kind !== 'opened' || result.payload !== '') return result;
    return { ...result, payload: await readLarge(request) };
  }
}

async function readOne(database: Database, ref: WebhookRef | undefined): Promise<string[]> {
  return ref ? [(await readPayload(database, ref)) ?? ''] : [];
}
