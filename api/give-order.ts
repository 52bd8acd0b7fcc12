import type { BatchHandle } from '../client/index.js';
import type { Progress } from '../contract/index.js';
import type { Dependencies } from './dependencies.js';
import { knownBatch } from './known-batch.js';

/** Gives an order to a user's batch, durably and without a worker, and answers its progress as it is known then. A finished batch stays as it is. */
export async function giveOrder(
  dependencies: Dependencies,
  batch: { user_id: string; batch_id: string },
  give: (handle: BatchHandle) => Promise<boolean>,
): Promise<{ data: Progress; errors: null }> {
  const data = await knownBatch(dependencies, batch);
  if (data.finished_at === null) await give(dependencies.client.getHandle(batch.batch_id));
  return { data, errors: null };
}
