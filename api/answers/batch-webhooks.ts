import type { StoredWebhook } from '../../contract/index.js';
import type { Store } from '../../store/store.js';

/** Calls whose webhooks are read by their keys, in statements that concurrent answers share. */
export const FEW = 10;

/** The webhooks of a few calls that a batch has registered, in their order. */
export async function fewWebhooks(
  store: Store,
  user_id: string,
  call_ids: readonly string[],
): Promise<StoredWebhook[]> {
  const found = await Promise.all(call_ids.map((callId) => store.getWebhook(user_id, callId)));
  return found.filter((webhook) => webhook !== undefined);
}

/** Webhooks in memory at once: payloads hold transcripts, and a request may name 10,000 calls. */
const MAX_PAGE = 200;

/**
 * The webhooks that a batch has for these calls, in their order, a page at a time. Where they are large, the store gives fewer than
 * asked for: then fewer are asked for.
 */
export async function* batchWebhooks(
  store: Store,
  { user_id, batch_id, call_ids }: { user_id: string; batch_id: string; call_ids: readonly string[] },
): AsyncGenerator<StoredWebhook[], void, void> {
  let size = MAX_PAGE;
  for (let from = 0; from < call_ids.length; ) {
    const asked = call_ids.slice(from, from + size);
    const page = await store.listBatchWebhooks({ user_id, batch_id, call_ids: asked, limit: asked.length });
    if (page.next_cursor !== null && asked.length > 1) {
      size = Math.max(1, Math.min(page.webhooks.length, asked.length - 1));
      continue;
    }
    const byCall = new Map(page.webhooks.map((webhook) => [webhook.call_id, webhook]));
    yield asked.flatMap((callId) => byCall.get(callId) ?? []);
    from += asked.length;
    size = Math.min(2 * size, MAX_PAGE);
  }
}
