import { expect, test } from 'vitest';
import { heapGrowth } from '../../support/heap.js';
import { startScene, startTestStack } from '../../support/stack.js';

/** Of each request, for good. */
const MAX_GROWTH_BYTES = 1_000;
const AT_ONCE = 250;

/** Runs `one` so many times, some at once. */
async function times(count: number, one: (index: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, index) => one(from + index)));
  }
}

test('results leave nothing behind, also on a signal that lives as long as the process', {
  timeout: 240_000,
}, async () => {
  const { client, user_id, addCalls, receiver } = await startScene(await startTestStack());
  const [alone = '', shared = '', other = ''] = await addCalls(3);
  const create = (callId: string) => client.create({ user_id, call_ids: [callId], webhook_url: receiver.url });
  const batches = [await create(alone), ...(await Promise.all([create(shared), create(other)]))];
  for (const batch of batches) await batch.result();
  const { signal } = new AbortController();
  const growth = await heapGrowth(5_000, (count) =>
    times(count, async (index) => batches[index % 3]?.result({ signal })),
  );
  expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
});

test('creates leave nothing behind', { timeout: 240_000 }, async () => {
  const { client, user_id } = await startScene(await startTestStack({ worker: false }));
  const create = (index: number) =>
    client.create({ user_id, call_ids: [`c-${index}`], webhook_url: 'https://example.com/' });
  const growth = await heapGrowth(20_000, (count) => times(count, create));
  expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
});
