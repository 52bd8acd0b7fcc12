import type { CallOutcome } from '../contract/batch.js';
import { settleWebhooks } from './lanes.js';
import type { Ledger } from './ledger.js';
import type { PageInput } from './page.js';

/** Settles what is left of a page without sending. The store has the last word: it may know of a delivery or a rejection. */
export async function settleRest(
  input: PageInput,
  ledger: Ledger,
  { status, error }: { status: 'failed' | 'canceled'; error: NonNullable<CallOutcome['error']> },
): Promise<void> {
  const call_ids = ledger.unsettled();
  if (call_ids.length === 0) return;
  const { batch_id, user_id, webhook_url, send_type } = input;
  const outcomes = await settleWebhooks({
    batch_id,
    user_id,
    send_type,
    call_ids,
    status,
    reason: error.message,
    ...(webhook_url !== undefined && { webhook_url }),
  });
  for (const outcome of outcomes) {
    ledger.set(outcome.call_id, outcome.status, outcome.status === status ? error : outcome.error);
  }
}
