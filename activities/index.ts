import type {
  Beginning,
  CheckpointInput,
  CheckpointResult,
  DeliveryInput,
  DeliveryResult,
  FailedPage,
  FailedQuery,
  PruneProgress,
  PruneRequest,
  RegisterInput,
  RegisterResult,
  SettleInput,
  SettleResult,
  WatchInput,
  WatchResult,
} from '../contract/index.js';
import { createDeliverWebhook } from './deliver-webhook.js';
import type { Dependencies } from './dependencies.js';
import { Isolation } from './isolation.js';
import { createBookkeeping } from './keep-book.js';
import { MissingKeys } from './missing-keys.js';
import { createPruneWebhooks } from './prune-webhooks.js';
import { ReadLimit } from './read-limit.js';
import { RoundAnswers } from './round-answers.js';
import { RunningAttempts } from './running-attempts.js';
import { createWatchAttempts } from './watch-attempts.js';

export type { AttemptSpan, AttemptTracer, TracedAttempt } from './attempt-tracer.js';
export type { Call, CallSource } from './call-sources/call-source.js';
export { CallSourceError, CallUnusableError } from './call-sources/call-source.js';
export { createHttpCallSource, type HttpCallSourceOptions } from './call-sources/http.js';
export type * from './delivery-events.js';
export type { Dependencies, Endpoint } from './dependencies.js';

/** The activities by the names under which workflows call them. Failures of webhooks, and a store that is away, are answers. */
export interface Activities {
  /** Writes a row for each call. Local. */
  registerBatches(input: RegisterInput): Promise<RegisterResult>;
  /** Answers what it is asked, at the time by its own clock: a side effect, as other SDKs call what is recorded so. Local. */
  recordBeginning(beginning: Beginning): Promise<Beginning>;
  /** Makes at most one attempt, and waits for it a moment. Local. */
  deliverWebhook(input: DeliveryInput): Promise<DeliveryResult>;
  /** Waits for attempts that take longer. Heartbeats every two seconds. */
  watchAttempts(input: WatchInput): Promise<WatchResult>;
  /** Settles webhooks without sending. Local. */
  settleWebhooks(input: SettleInput): Promise<SettleResult>;
  /** Records counts, pauses, ends and endpoints. */
  checkpoint(input: CheckpointInput): Promise<CheckpointResult>;
  /** @throws ApplicationFailure of type StoreUnavailable, which the server retries. */
  findFailed(query: FailedQuery): Promise<FailedPage>;
  /** Removes what finished batches have left, for some seconds. @throws StoreError, after which the server repeats it. */
  pruneWebhooks(request: PruneRequest): Promise<PruneProgress>;
}

/** Creates the activities with what they use. `idle` resolves when no attempt runs in this process any more. */
export function createActivities(deps: Dependencies): { activities: Activities; idle: () => Promise<void> } {
  const attempts = new RunningAttempts();
  const tools = {
    ...deps,
    isolation: new Isolation(),
    missingKeys: new MissingKeys(deps.onFault),
    reads: new ReadLimit(),
  };
  return {
    activities: {
      ...createBookkeeping(deps),
      deliverWebhook: createDeliverWebhook(tools, attempts, new RoundAnswers()),
      watchAttempts: createWatchAttempts(deps, attempts),
      pruneWebhooks: createPruneWebhooks(deps),
    },
    idle: () => attempts.idle(),
  };
}
