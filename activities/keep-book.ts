import { ApplicationFailure } from '@temporalio/common';
import type {
  Beginning,
  CheckpointInput,
  CheckpointResult,
  FailedPage,
  FailedQuery,
  RegisterInput,
  RegisterResult,
  Registration,
  Settled,
  SettleInput,
  SettleResult,
  StoreAway,
  Timed,
} from '../contract/index.js';
import { InvalidRequestError } from '../contract/index.js';
import { messageOf } from '../contract/message-of.js';
import { StoreUnavailableError } from '../store/index.js';
import type { Dependencies } from './dependencies.js';

/** The activities that keep the book and send nothing. They answer that the store is away; only `findFailed` throws. */
export function createBookkeeping({ store, calls, retryPolicy, events, onFault }: Dependencies) {
  /** A refusal by the database is a fault of our own, and must not end a batch: it is tried again like an absence. */
  async function orAway<T>(what: string, work: Promise<T>): Promise<Timed<T | StoreAway>> {
    const from = performance.now();
    const took = () => Math.round(performance.now() - from);
    try {
      return { ...(await work), took: took() };
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) onFault(`the store refused ${what}`, error);
      return { kind: 'store_away', took: took() };
    }
  }

  return {
    registerBatches: async ({ beginning: found, ...input }: RegisterInput): Promise<RegisterResult> => {
      const beginning = found && inRealTime(found);
      const work = registered(store.registerBatches({ ...input, calls: calls === undefined }));
      return { ...(await orAway<Registration>('a registration', work)), ...(beginning && { beginning }) };
    },

    recordBeginning: async (beginning: Beginning): Promise<Beginning> => inRealTime(beginning),

    settleWebhooks: (input: SettleInput): Promise<SettleResult> =>
      orAway('to settle webhooks', settled(store.settleWebhooks(input), input)),

    checkpoint: (input: CheckpointInput): Promise<CheckpointResult> =>
      orAway('a checkpoint', recorded(store.checkpoint(input))),

    findFailed: async (query: FailedQuery): Promise<FailedPage> => {
      try {
        return await store.listFailed(query);
      } catch (error) {
        throw failureOf(error);
      }
    },
  };

  async function registered(work: ReturnType<typeof store.registerBatches>): Promise<Registration> {
    return { kind: 'registered', parts: await work, horizon_ms: retryPolicy.horizon_ms };
  }

  async function settled(work: ReturnType<typeof store.settleWebhooks>, input: SettleInput): Promise<Settled> {
    const standings = await work;
    const { batch_id, user_id, status, error, call_ids } = input;
    const webhooks = call_ids.length - standings.length;
    if (webhooks > 0) events?.webhooksSettled({ batch_id, user_id, status, error, webhooks });
    return { kind: 'settled', standings };
  }

  async function recorded(work: ReturnType<typeof store.checkpoint>): Promise<{ kind: 'recorded' }> {
    for (const change of await work) events?.endpointChanged(change);
    return { kind: 'recorded' };
  }
}

/** The workflow's clock may stand still, at the time of its last task: a query may bring an order before it goes on. */
export const inRealTime = (beginning: Beginning): Beginning => ({
  ...beginning,
  at: Math.max(beginning.at, Date.now()),
});

/** The server repeats the activity, but for a request that is wrong. */
function failureOf(error: unknown): ApplicationFailure {
  const message = messageOf(error);
  return error instanceof InvalidRequestError
    ? ApplicationFailure.nonRetryable(message, 'InvalidRequest')
    : ApplicationFailure.retryable(`the store failed: ${message}`, 'StoreUnavailable');
}
