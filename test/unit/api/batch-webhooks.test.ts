import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchWebhooks } from '../../../api/answers/batch-webhooks.js';
import type { StoredWebhook } from '../../../contract/index.js';
import type { BatchWebhooksQuery, Store, WebhookPage } from '../../../store/index.js';

/** A store with webhooks of these sizes; a page holds at most so many bytes, but one webhook at least. */
function storeOf(sizes: Map<string, number>, pageBytes: number) {
  const pages: string[][] = [];
  const listBatchWebhooks = async ({ call_ids = [], limit }: BatchWebhooksQuery): Promise<WebhookPage> => {
    const found = call_ids.filter((callId) => sizes.has(callId)).toSorted();
    let bytes = 0;
    const fitting = found.findIndex((callId, index) => {
      bytes += sizes.get(callId) ?? 0;
      return index >= limit || (index > 0 && bytes > pageBytes);
    });
    const page = fitting < 0 ? found : found.slice(0, fitting);
    pages.push(page);
    const webhooks = page.map((call_id) => ({ call_id }) as StoredWebhook);
    return { webhooks, next_cursor: page.length < found.length ? 'more' : null };
  };
  return { store: { listBatchWebhooks } as unknown as Store, pages };
}

async function read(store: Store, call_ids: string[]): Promise<string[]> {
  const seen: string[] = [];
  for await (const page of batchWebhooks(store, { user_id: 'u', batch_id: 'b_1.0', call_ids })) {
    seen.push(...page.map(({ call_id }) => call_id));
  }
  return seen;
}

test('every webhook is read once, in the order of the request, however large they are', async () => {
  const call = fc.record({ id: fc.string({ minLength: 1, maxLength: 5 }), size: fc.option(fc.nat({ max: 100 })) });
  const calls = fc.uniqueArray(call, { selector: ({ id }) => id, maxLength: 500 });
  const property = fc.asyncProperty(calls, fc.integer({ min: 1, max: 5_000 }), async (all, pageBytes) => {
    const existing = all.filter(({ size }) => size !== null);
    const { store } = storeOf(new Map(existing.map(({ id, size }) => [id, size ?? 0])), pageBytes);
    const ids = all.map(({ id }) => id);
    expect(await read(store, ids)).toEqual(existing.map(({ id }) => id));
  });
  await fc.assert(property, { numRuns: 300 });
});

test('small webhooks are read 200 at a time', async () => {
  const ids = Array.from({ length: 1_000 }, (_, index) => `c-${index}`);
  const { store, pages } = storeOf(new Map(ids.map((id) => [id, 1])), 1_000_000);
  await read(store, ids);
  expect(pages.map((page) => page.length)).toEqual([200, 200, 200, 200, 200]);
});
