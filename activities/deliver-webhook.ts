import { activityInfo } from '@temporalio/activity';
import type { Attempt, DeliveryInput, DeliveryResult } from '../contract/index.js';
import type { Dependencies } from './dependencies.js';
import { OUTLASTED, withHeartbeats, withPatience } from './lane.js';
import { makeAttempt } from './make-attempt.js';
import { RunningAttempts } from './running-attempts.js';

/** How long the express lane waits for an attempt before it leaves it to the durable lane. */
const EXPRESS_PATIENCE_MS = 1_000;

export type DeliverWebhook = (input: DeliveryInput) => Promise<DeliveryResult>;

/**
 * Creates the activity that makes one attempt to deliver one call's webhook, and records it. Idempotent: what this batch has
 * delivered is not sent again, an attempt that still runs is joined, and one that a dead worker left open is closed as
 * interrupted before a new one is made under the same `webhook-id`.
 *
 * As a local activity it answers `in_flight` after one second, and the attempt goes on in this process.
 *
 * @throws ApplicationFailure whose `type` is one of the contract's failure types.
 */
export function createDeliverWebhook(deps: Dependencies): {
  deliverWebhook: DeliverWebhook;
  runningAttempts: RunningAttempts<Attempt>;
} {
  const runningAttempts = new RunningAttempts<Attempt>();
  const deliverWebhook = async (input: DeliveryInput): Promise<DeliveryResult> => {
    const attempt = runningAttempts.join(keyOf(input), () => makeAttempt(deps, input));
    const end = activityInfo().isLocal
      ? await withPatience(attempt, EXPRESS_PATIENCE_MS)
      : await withHeartbeats(attempt);
    return end === OUTLASTED ? { status: 'in_flight' } : { status: 'delivered', attempt: end };
  };
  return { deliverWebhook, runningAttempts };
}

const keyOf = ({ batch_id, call_id }: DeliveryInput): string => `${batch_id}\n${call_id}`;
