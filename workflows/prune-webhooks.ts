import { continueAsNew, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { PruneInput, PruneResult } from '../contract/delivery.js';

/** Each takes some seconds; retried by the server while the store is away. */
const { pruneWebhooks: prune } = proxyActivities<Pick<Activities, 'pruneWebhooks'>>({
  startToCloseTimeout: '1m',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
  summary: 'what finished batches have left',
});

/** Activities of one run: each costs some six history events. */
const ACTIVITIES_PER_RUN = 500;

/** Removes what batches have left that finished so long ago. A Schedule starts it (`postcall setup`). */
export async function pruneWebhooks({ older_than_ms, goes_on }: PruneInput): Promise<PruneResult> {
  const finished_before = goes_on?.finished_before ?? Date.now() - older_than_ms;
  const done: PruneResult = { batches: 0, webhooks: 0, ...goes_on?.done };
  for (let made = 0; made < ACTIVITIES_PER_RUN; made += 1) {
    const { batches, webhooks, is_done } = await prune({ finished_before });
    done.batches += batches;
    done.webhooks += webhooks;
    if (is_done) return done;
  }
  return continueAsNew<typeof pruneWebhooks>({ older_than_ms, goes_on: { finished_before, done } });
}
