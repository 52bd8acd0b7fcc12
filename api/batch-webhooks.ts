import type { Webhook } from '../contract/index.js';
import type { Store } from '../store/store.js';

/** Webhooks in memory at once: payloads hold transcripts, and a request may name 10,000 calls. */
const PAGE_SIZE = 200;

/** The webhooks that a batch has for these calls, in their order, a page at a time. */
export async function* batchWebhooks(
  store: Store,
  { user_id, batch_id, call_ids }: { user_id: string; batch_id: string; call_ids: readonly string[] },
): AsyncGenerator<Webhook[], void, void> {
  for (let from = 0; from < call_ids.length; from += PAGE_SIZE) {
    const page = call_ids.slice(from, from + PAGE_SIZE);
    const { webhooks } = await store.listBatchWebhooks({ user_id, batch_id, call_ids: page, limit: page.length });
    const byCall = new Map(webhooks.map((webhook) => [webhook.call_id, webhook]));
    yield page.flatMap((callId) => byCall.get(callId) ?? []);
  }
}
