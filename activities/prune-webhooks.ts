import type { PruneProgress, PruneRequest } from '../contract/index.js';
import type { Dependencies } from './dependencies.js';

/** A worker that is told to stop waits no longer than for an attempt. */
const BUDGET_MS = 10_000;

/** Creates the activity that removes what finished batches have left, chunk by chunk, for some seconds. Repeated without harm. */
export const createPruneWebhooks =
  ({ store }: Pick<Dependencies, 'store'>) =>
  async ({ finished_before }: PruneRequest): Promise<PruneProgress> => {
    const stopAt = performance.now() + BUDGET_MS;
    const progress = { batches: 0, webhooks: 0, is_done: false };
    while (!progress.is_done && performance.now() < stopAt) {
      const { batches, webhooks } = await store.pruneSome({ finished_before: new Date(finished_before) });
      progress.batches += batches;
      progress.webhooks += webhooks;
      progress.is_done = batches + webhooks === 0;
    }
    return progress;
  };
