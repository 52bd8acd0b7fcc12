import type { CallOutcome, Rejection, SettleInput } from '../contract/index.js';
import type { PayloadSource, SettleResult } from '../store/store.js';
import type { Dependencies } from './dependencies.js';
import { rejectionMessage } from './failures.js';
import { withHeartbeats } from './lane.js';
import { orStoreUnavailable } from './open-attempt.js';
import { firstPayloadSource, readPayload } from './payload.js';

/** Calls settled at once: bounds the requests to a call source. */
const CONCURRENCY = 50;

const REJECTION_OF: Record<Exclude<SettleResult['kind'], 'settled'>, Rejection> = {
  needs_payload: 'CallNotFound',
  call_not_found: 'CallNotFound',
  webhook_exists: 'WebhookExists',
  webhook_not_found: 'WebhookNotFound',
  webhook_in_progress: 'WebhookInProgress',
};

export type SettleWebhooks = (input: SettleInput) => Promise<CallOutcome[]>;

/**
 * Creates the activity that ends a page's remaining webhooks without sending, as failed or canceled, so that the store and the
 * workflow agree. Returns what each call is now: it may have been delivered, or be rejected. Safe to repeat.
 */
export const createSettleWebhooks =
  (deps: Dependencies): SettleWebhooks =>
  (input) =>
    withHeartbeats(settleAll(deps, input));

async function settleAll(deps: Dependencies, input: SettleInput): Promise<CallOutcome[]> {
  const outcomes: CallOutcome[] = [];
  for (let from = 0; from < input.call_ids.length; from += CONCURRENCY) {
    const callIds = input.call_ids.slice(from, from + CONCURRENCY);
    outcomes.push(...(await Promise.all(callIds.map((callId) => settleOne(deps, input, callId)))));
  }
  return outcomes;
}

async function settleOne(deps: Dependencies, input: SettleInput, call_id: string): Promise<CallOutcome> {
  const { call_ids: _, ...rest } = input;
  const settle = (payload: PayloadSource) =>
    orStoreUnavailable(deps.store.settleWebhook({ ...rest, call_id, payload }));
  let result = await settle(firstPayloadSource(deps));
  if (result.kind === 'needs_payload') {
    const payload = await readPayload(deps, { call_id, user_id: input.user_id });
    if (payload) result = await settle(payload);
  }
  return outcomeOf(call_id, result);
}

function outcomeOf(call_id: string, result: SettleResult): CallOutcome {
  if (result.kind === 'settled') {
    const { status, reason } = result;
    return status === 'delivered'
      ? { call_id, status }
      : { call_id, status, error: { type: status, message: reason ?? status } };
  }
  const type = REJECTION_OF[result.kind];
  return { call_id, status: 'rejected', error: { type, message: rejectionMessage(type, call_id) } };
}
