import { createApiKey, findUserByApiKey, listApiKeys, revokeApiKey } from './api-keys.js';
import { readBacklog } from './backlog.js';
import { upsertCalls } from './calls.js';
import { closeAttempts } from './close-attempts.js';
import type { Database } from './database.js';
import type { Cipher } from './encryption/cipher.js';
import { reencrypt } from './encryption/reencrypt.js';
import { encryptionReport } from './encryption/report.js';
import { failUnsettled, findUnfinished } from './ended-batches.js';
import { eraseCall } from './erase-call.js';
import { grouped } from './grouping.js';
import { Interruptions } from './interrupt-attempts.js';
import { listEndpoints } from './list-endpoints.js';
import { openAttempt } from './open-attempt.js';
import { storePayload } from './payloads.js';
import { prune, pruneSome } from './prune.js';
import {
  getWebhook,
  getWebhooks,
  listBatchWebhooks,
  listFailed,
  listFailedWebhooks,
  TOO_LARGE,
} from './read-webhooks.js';
import { registerBatches } from './register-batches.js';
import { failWebhook, rejectWebhook, settleWebhooks } from './settle-webhooks.js';
import { shareAttempt } from './share-attempt.js';
import { sharedStatement } from './shared-statement.js';
import { createSigningSecret, listSigningSecrets, revokeSigningSecret } from './signing-secrets.js';
import { PING } from './statement.js';
import type { Store, WebhookRef } from './store.js';
import { checkpoint, firstAttemptsMade, readBatch } from './stored-batches.js';
import { claimProbes, claimWaiting } from './waiting-webhooks.js';
import { readStandings } from './watched-webhooks.js';
import type { WebhookKey } from './webhook-requests.js';

/** The store over any database that speaks PostgreSQL's dialect. */
export function sqlStore(database: Database, cipher: Cipher): Store {
  const closeAttempt = sharedStatement(database, closeAttempts);
  const getShared = grouped((keys: readonly WebhookKey[]) => getWebhooks(database, cipher, keys), {
    concurrency: database.concurrency,
  });

  const interruptions = new Interruptions(database);

  return {
    registerBatches: (request) => registerBatches(database, request),
    openAttempt: openAttempt({ database, cipher, closeAttempt, interruptions }),
    shareAttempt: (seq) => shareAttempt(database, seq),
    storePayload: (request) => storePayload(database, cipher, request),
    closeAttempt,
    rejectWebhook: (request) => rejectWebhook(database, request),
    failWebhook: (request) => failWebhook(database, request),
    settleWebhooks: (request) => settleWebhooks(database, request),
    readStanding: sharedStatement(database, (asked, requests: readonly WebhookRef[]) =>
      readStandings(asked, interruptions, requests),
    ),
    checkpoint: (request) => checkpoint(database, request),
    firstAttemptsMade: (batchIds) => firstAttemptsMade(database, batchIds),
    readBatch: (userId, batchId) => readBatch(database, userId, batchId),
    findUnfinished: (workflowIds) => findUnfinished(database, workflowIds),
    failUnsettled: (batch) => failUnsettled(database, interruptions, batch),
    readBacklog: () => readBacklog(database),
    onInterrupted: (listener) => interruptions.listen(listener),
    claimWaiting: (endpoint) => claimWaiting(database, endpoint),
    claimProbes: (options) => claimProbes(database, options),
    getWebhook: async (user_id, call_id) => {
      const found = await getShared({ user_id, call_id });
      return found === TOO_LARGE ? getWebhook(database, cipher, { user_id, call_id }) : found;
    },
    listBatchWebhooks: (query) => listBatchWebhooks(database, cipher, query),
    listEndpoints: (query) => listEndpoints(database, query),
    listFailed: (query) => listFailed(database, query),
    listFailedWebhooks: (query) => listFailedWebhooks(database, cipher, query),
    upsertCalls: (calls) => upsertCalls(database, cipher, calls),
    eraseCall: (call) => eraseCall(database, call),
    prune: (options) => prune(database, options),
    pruneSome: (options) => pruneSome(database, options),
    createApiKey: (userId, key) => createApiKey(database, userId, key),
    listApiKeys: (userId) => listApiKeys(database, userId),
    revokeApiKey: (prefix) => revokeApiKey(database, prefix),
    findUserByApiKey: (key) => findUserByApiKey(database, key),
    createSigningSecret: (userId, options = {}) => createSigningSecret(database, cipher, userId, options),
    listSigningSecrets: (userId) => listSigningSecrets(database, userId),
    revokeSigningSecret: (id) => revokeSigningSecret(database, id),
    reencrypt: ({ on_progress = () => undefined } = {}) => reencrypt(database, cipher, on_progress),
    inspectEncryption: ({ limit = 100_000 } = {}) => encryptionReport(database, cipher, limit),
    ping: async () => void (await database.run(PING, [])),
    connections: () => database.connections(),
    close: () => database.close(),
  };
}
