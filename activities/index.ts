import { ApplicationFailure } from '@temporalio/common';
import type {
  CheckpointInput,
  CheckpointResult,
  DeliveryInput,
  DeliveryResult,
  FailedPage,
  FailedQuery,
  RegisterInput,
  RegisterResult,
  SettleInput,
  SettleResult,
  WatchInput,
  WatchResult,
} from '../contract/index.js';
import { createBatchActivities } from './batch-activities.js';
import { createDeliverWebhook } from './deliver-webhook.js';
import type { Dependencies } from './dependencies.js';
import { Isolation } from './isolation.js';
import { ReadLimit } from './read-limit.js';
import { RunningAttempts } from './running-attempts.js';
import { createWatchAttempts } from './watch-attempts.js';

export type { Call, CallSource } from './call-sources/call-source.js';
export { CallSourceError, CallUnusableError } from './call-sources/call-source.js';
export { createHttpCallSource, type HttpCallSourceOptions } from './call-sources/http.js';
export type { CallsOptions, Dependencies, Endpoint } from './dependencies.js';

/** The activities by the names under which workflows call them. */
export interface Activities {
  registerBatches(input: RegisterInput): Promise<RegisterResult>;
  deliverWebhook(input: DeliveryInput): Promise<DeliveryResult>;
  watchAttempts(input: WatchInput): Promise<WatchResult>;
  settleWebhooks(input: SettleInput): Promise<SettleResult>;
  checkpoint(input: CheckpointInput): Promise<CheckpointResult>;
  findFailed(query: FailedQuery): Promise<FailedPage>;
}

/** Creates the activities with what they use. `idle` resolves when no attempt runs in this process any more. */
export function createActivities(deps: Dependencies): { activities: Activities; idle: () => Promise<void> } {
  const running = new RunningAttempts();
  const share = {
    isolation: new Isolation((error) => deps.onFault('an attempt cannot be noted as shared', error)),
    reads: new ReadLimit(),
  };
  return {
    activities: {
      ...createBatchActivities(deps),
      deliverWebhook: createDeliverWebhook(deps, share, running),
      watchAttempts: createWatchAttempts(deps, running),
      findFailed: (query) => findFailed(deps, query),
    },
    idle: () => running.idle(),
  };
}

/** @throws ApplicationFailure `StoreUnavailable`, which the server retries. */
async function findFailed({ store }: Dependencies, query: FailedQuery): Promise<FailedPage> {
  try {
    return await store.listFailed(query);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw ApplicationFailure.create({ type: 'StoreUnavailable', message: `the store failed: ${message}` });
  }
}
