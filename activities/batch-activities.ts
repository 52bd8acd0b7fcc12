import type {
  CheckpointInput,
  CheckpointResult,
  RegisterInput,
  RegisterResult,
  SettleInput,
  SettleResult,
  StoreAway,
} from '../contract/index.js';
import { StoreUnavailableError } from '../store/index.js';
import type { Dependencies } from './dependencies.js';

const AWAY: StoreAway = { kind: 'store_away' };

/** What a workflow asks of the store for its batches. None of them throws: a statement that is refused counts as the store being away. */
export function createBatchActivities(deps: Dependencies) {
  const { store, retryPolicy, onFault } = deps;
  const orAway = async <T>(what: string, work: () => Promise<T>): Promise<T | StoreAway> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) onFault(what, error);
      return AWAY;
    }
  };
  return {
    /** Writes batches and a row for each of their calls. Safe to repeat: it answers what the rows say. */
    registerBatches: (input: RegisterInput): Promise<RegisterResult> =>
      orAway('calls cannot be registered', async () => ({
        kind: 'registered' as const,
        parts: await store.registerBatches({ ...input, calls: deps.calls === undefined }),
        horizon_ms: retryPolicy.horizon_ms,
      })),
    /** Ends webhooks without sending. Safe to repeat: it answers those that stand otherwise. */
    settleWebhooks: (input: SettleInput): Promise<SettleResult> =>
      orAway('webhooks cannot be settled', async () => ({
        kind: 'settled' as const,
        standings: await store.settleWebhooks(input),
      })),
    /** Writes down what is to be seen without a worker. Without anything to write it only ends a workflow task. */
    checkpoint: (input: CheckpointInput): Promise<CheckpointResult> =>
      orAway('batches cannot be recorded', async () => {
        if (input.batches.length + input.endpoints.length > 0) await store.checkpoint(input);
        return { kind: 'recorded' as const };
      }),
  };
}
