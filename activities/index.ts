import type { FailedPage, FailedQuery } from '../contract/index.js';
import { createDeliverWebhook, type DeliverWebhook } from './deliver-webhook.js';
import type { Dependencies } from './dependencies.js';
import { orStoreUnavailable } from './open-attempt.js';
import { createSettleWebhooks, type SettleWebhooks } from './settle-webhooks.js';

export type { Call, CallSource } from './call-sources/call-source.js';
export { CallSourceError } from './call-sources/call-source.js';
export { createHttpCallSource, type HttpCallSourceOptions } from './call-sources/http.js';
export type { Dependencies, Endpoint } from './dependencies.js';

/** The activities by the names under which workflows call them. */
export interface Activities {
  deliverWebhook: DeliverWebhook;
  settleWebhooks: SettleWebhooks;
  findFailed(query: FailedQuery): Promise<FailedPage>;
}

/** Creates the activities with what they use. `idle` resolves when no attempt runs in this process any more. */
export function createActivities(deps: Dependencies): { activities: Activities; idle: () => Promise<void> } {
  const { deliverWebhook, runningAttempts } = createDeliverWebhook(deps);
  return {
    activities: {
      deliverWebhook,
      settleWebhooks: createSettleWebhooks(deps),
      findFailed: (query) => orStoreUnavailable(deps.store.listFailed(query)),
    },
    idle: () => runningAttempts.idle(),
  };
}
