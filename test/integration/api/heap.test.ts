import { expect, test } from 'vitest';
import { startTestApi } from '../../support/api.js';
import { heapGrowth } from '../../support/heap.js';
import { startTestStack } from '../../support/stack.js';

const CREATE = '/v1/postcall/webhooks/create';
/** Of each request, for good. */
const MAX_GROWTH_BYTES = 1_000;
const AT_ONCE = 250;

test.each([
  ['that do not wait', 20_000, 'wait=0'],
  ['whose wait ends', 2_000, 'wait=1'],
])('creates %s leave nothing behind', { timeout: 240_000 }, async (_, count, prefer) => {
  const stack = await startTestStack({ worker: false });
  const { app, newUser } = await startTestApi(stack, { rateLimit: 1_000_000 });
  const { key } = await newUser();
  const headers = { authorization: key, prefer };
  const create = async (index: number) => {
    const payload = { call_ids: [`c-${index}`], webhook_url: 'https://example.com/' };
    const { statusCode } = await app.inject({ method: 'POST', url: CREATE, headers, payload });
    expect(statusCode).toBe(202);
  };
  const growth = await heapGrowth(count, async (runs) => {
    for (let from = 0; from < runs; from += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => create(from + index)));
    }
  });
  expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
});
