import { sql } from 'drizzle-orm';
import { createApiKey, findUserByApiKey, listApiKeys, revokeApiKey } from './api-keys.js';
import { upsertCalls } from './calls.js';
import { closeAttempts } from './close-attempts.js';
import type { Database } from './database.js';
import { failUnsettled, findUnsettled } from './ended-batches.js';
import { grouped } from './grouping.js';
import { interruptAttempts } from './interrupt-attempts.js';
import { openAttempts } from './open-attempts.js';
import { type ReadRequest, readAttempts } from './read-attempts.js';
import { getWebhook, listBatchWebhooks, listFailed, listFailedWebhooks } from './read-webhooks.js';
import { inRounds, type Statement } from './rounds.js';
import { settleWebhooks } from './settle-webhooks.js';
import { createSigningSecret, listSigningSecrets, revokeSigningSecret } from './signing-secrets.js';
import type { Store } from './store.js';
import { claimProbes, claimWaiting } from './waiting-webhooks.js';

/** The store over any database that speaks PostgreSQL's dialect. */
export function sqlStore(database: Database): Store {
  const shared = <Request extends object, Answer>(
    statement: (
      database: Database,
      ...args: Parameters<Statement<Request, Answer>>
    ) => ReturnType<Statement<Request, Answer>>,
    key: (request: Request) => string,
  ) =>
    grouped<Request, Answer>((requests) => inRounds((round) => statement(database, round), key, requests), {
      concurrency: database.concurrency,
    });
  const byCall = (request: { call_id: string }) => request.call_id;
  const readAttempt = shared(readAttempts, (request: ReadRequest) => request.seq);

  return {
    openAttempt: shared(openAttempts, byCall),
    closeAttempt: shared(closeAttempts, byCall),
    interruptAttempt: (seq) => interruptAttempts(database, [seq]),
    readAttempt: (seq) => readAttempt({ seq }),
    settleWebhook: shared(settleWebhooks, byCall),
    findUnsettled: (batchIds) => findUnsettled(database, batchIds),
    failUnsettled: (batch) => failUnsettled(database, batch),
    claimWaiting: (endpoint) => claimWaiting(database, endpoint),
    claimProbes: (options) => claimProbes(database, options),
    getWebhook: (userId, callId) => getWebhook(database, userId, callId),
    listBatchWebhooks: (query) => listBatchWebhooks(database, query),
    listFailed: (query) => listFailed(database, query),
    listFailedWebhooks: (query) => listFailedWebhooks(database, query),
    upsertCalls: (calls) => upsertCalls(database, calls),
    createApiKey: (userId, key) => createApiKey(database, userId, key),
    listApiKeys: (userId) => listApiKeys(database, userId),
    revokeApiKey: (prefix) => revokeApiKey(database, prefix),
    findUserByApiKey: (key) => findUserByApiKey(database, key),
    createSigningSecret: (userId, secret) => createSigningSecret(database, userId, secret),
    listSigningSecrets: (userId) => listSigningSecrets(database, userId),
    revokeSigningSecret: (id) => revokeSigningSecret(database, id),
    ping: async () => void (await database.rows(sql`select`)),
    close: () => database.close(),
  };
}
