import type { DeliveryEnd, DeliveryInput, FinalFailure } from '../contract/index.js';
import type { Dependencies } from './dependencies.js';
import { endOfStanding } from './standing.js';

/** Fails a webhook for good without an attempt. */
export async function failWebhook(
  { store, events }: Pick<Dependencies, 'store' | 'events'>,
  { batch_id, user_id, call_id }: DeliveryInput,
  error: FinalFailure,
  reason: string,
): Promise<DeliveryEnd> {
  const standing = await store.failWebhook({ batch_id, user_id, call_id, error, reason });
  if (standing.status === 'failed') events?.webhookFailed({ batch_id, user_id, call_id, error, reason });
  return endOfStanding(standing);
}
