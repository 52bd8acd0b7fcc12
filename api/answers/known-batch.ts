import type { BatchDescription } from '../../client/index.js';
import { isBatchId, type Progress } from '../../contract/index.js';
import type { StoredBatch } from '../../store/store.js';
import type { Dependencies } from '../dependencies.js';
import { notFound } from '../errors.js';

/**
 * The progress of a user's batch as it is stored, or, before its workflow has registered it, as its start says. Needs no worker. Throws
 * the same 404 for another user's batch as for none.
 */
export async function knownBatch(
  { client, store }: Dependencies,
  { user_id, batch_id }: { user_id: string; batch_id: string },
): Promise<Progress> {
  if (!isBatchId(batch_id)) throw notFound('batch');
  const stored = await store.readBatch(user_id, batch_id);
  if (stored) return storedProgress(stored);
  const described = await client.getHandle(batch_id).describe();
  if (described.user_id !== user_id) throw notFound('batch');
  return startedProgress(described);
}

function storedProgress(stored: StoredBatch): Progress {
  const { batch_id, total, delivered, retrying, failed, rejected, canceled, pending } = stored;
  return {
    batch_id,
    status: statusOf(stored),
    total,
    delivered,
    retrying,
    failed,
    rejected,
    canceled,
    pending,
    endpoints: stored.endpoints,
    started_at: stored.accepted_at,
    finished_at: stored.finished_at,
  };
}

function statusOf({ finished_at, canceled, paused }: StoredBatch): Progress['status'] {
  if (finished_at !== null) return canceled > 0 ? 'canceled' : 'completed';
  return paused ? 'paused' : 'running';
}

/** Nothing was sent yet, even where its workflow has ended. */
const startedProgress = ({ batch_id, total, started_at }: BatchDescription): Progress => ({
  batch_id,
  status: 'running',
  total,
  delivered: 0,
  retrying: 0,
  failed: 0,
  rejected: 0,
  canceled: 0,
  pending: total,
  endpoints: [],
  started_at,
  finished_at: null,
});
