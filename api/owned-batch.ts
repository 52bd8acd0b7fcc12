import type { BatchHandle, PostcallClient } from '../client/index.js';
import { notFound } from './errors.js';

/** A user's batch. Throws the same 404 for another user's as for none; needs no worker, whose absence would tell the two apart. */
export async function ownedBatch(client: PostcallClient, batchId: string, userId: string): Promise<BatchHandle> {
  const handle = client.getHandle(batchId);
  const { user_id } = await handle.describe();
  if (user_id !== userId) throw notFound('batch');
  return handle;
}
