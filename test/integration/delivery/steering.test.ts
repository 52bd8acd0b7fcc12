import { describe, expect, test } from 'vitest';
import { answer, delayed } from '../../support/behaviours.js';
import { freshUser, sharedTestStack } from '../../support/stack.js';

const stack = sharedTestStack({
  environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_PROBE_INTERVAL: '1h', POSTCALL_ATTEMPT_TIMEOUT: '20s' },
});

const ok = answer(200);

async function start(count: number, options?: { max_in_flight?: number; down_after?: number }) {
  const { client, receiver, addCalls } = stack();
  receiver.clear();
  const user_id = freshUser();
  const call_ids = await addCalls(count, user_id);
  const handle = await client.create({ user_id, call_ids, webhook_url: receiver.url, ...(options && { options }) });
  return { user_id, call_ids, handle };
}

async function restartWorker() {
  await stack().stopWorkers();
  await stack().startWorker();
}

describe('orders survive a restart of the worker:', () => {
  test('a paused batch stays paused, and is resumed', async () => {
    const { receiver } = stack();
    receiver.behaviour = answer(500);
    const { handle } = await start(20, { down_after: 5 });
    await expect.poll(async () => (await handle.progress()).endpoints).toMatchObject([{ state: 'down' }]);
    await handle.pause();
    await expect.poll(async () => (await handle.progress()).status).toBe('paused');
    const sent = receiver.requests.length;
    await restartWorker();
    await handle.retryNow();
    expect(await handle.progress()).toMatchObject({ status: 'paused', delivered: 0 });
    expect(receiver.requests).toHaveLength(sent);
    receiver.behaviour = ok;
    await handle.resume();
    await handle.resume();
    expect(await handle.result()).toMatchObject({ status: 'completed', delivered: 20 });
  });

  test('a cancellation settles every call, in the store too', async () => {
    const { receiver, store } = stack();
    receiver.behaviour = answer(500);
    const { handle, user_id, call_ids } = await start(30, { down_after: 5 });
    await expect.poll(async () => (await handle.progress()).endpoints).toMatchObject([{ state: 'down' }]);
    await stack().stopWorkers();
    await handle.cancel();
    await handle.cancel();
    await stack().startWorker();
    expect(await handle.result()).toMatchObject({ status: 'canceled', canceled: 30 });
    const { webhooks } = await store.listBatchWebhooks({ user_id, batch_id: handle.batchId, limit: 100 });
    expect(webhooks.map(({ call_id }) => call_id).sort()).toEqual([...call_ids].sort());
    for (const webhook of webhooks) {
      expect(webhook).toMatchObject({ status: 'canceled', next_attempt_at: null, reason: 'the batch was canceled' });
    }
    expect(receiver.requests.length).toBeLessThan(30);
  });
});

test.each([40, 1_200])(
  'an endpoint that is gone fails the rest of %i calls without sending, in the store too',
  async (size) => {
    const { receiver, store } = stack();
    receiver.behaviour = answer(410);
    const { handle, user_id } = await start(size, { down_after: 4 });
    expect(await handle.result()).toMatchObject({ failed: size });
    expect((await handle.progress()).endpoints).toMatchObject([{ state: 'gone', since: expect.any(String) }]);
    const { webhooks } = await store.listBatchWebhooks({ user_id, batch_id: handle.batchId, limit: size });
    expect(webhooks).toHaveLength(size);
    for (const { status, reason } of webhooks)
      expect({ status, reason }).toMatchObject({ status: 'failed', reason: expect.stringContaining('410') });
    expect(webhooks.flatMap(({ metadata }) => metadata)).toHaveLength(receiver.requests.length);
    expect(receiver.requests.length).toBeLessThan(40);
  },
);

test('a delivery wakes what waits for the same endpoint in another batch, and nothing of another user', async () => {
  const { client, receiver, addCalls } = stack();
  receiver.behaviour = answer(503);
  const waiting = await start(3);
  const other = await start(1);
  for (const { handle } of [waiting, other]) {
    await expect.poll(async () => (await handle.progress()).pending).toBe(0);
  }
  receiver.behaviour = ok;
  // A webhook that has just failed is left alone for a second: each delivery looks again who waits.
  await expect
    .poll(async () => {
      const call_ids = await addCalls(1, waiting.user_id);
      const handle = await client.create({ user_id: waiting.user_id, call_ids, webhook_url: receiver.url });
      await handle.result();
      return (await waiting.handle.progress()).delivered;
    })
    .toBe(3);
  expect(await waiting.handle.result()).toMatchObject({ delivered: 3 });
  expect(await other.handle.progress()).toMatchObject({ retrying: 1 });
  await other.handle.retryNow();
  expect(await other.handle.result()).toMatchObject({ delivered: 1 });
});

test('progress is answered while an endpoint takes seconds to answer', async () => {
  const { receiver } = stack();
  receiver.behaviour = delayed(3_000, ok);
  const { handle } = await start(600, { max_in_flight: 500 });
  await expect.poll(() => receiver.requests.length).toBeGreaterThan(50);
  const progress = await handle.progress();
  expect(progress).toMatchObject({ status: 'running', total: 600 });
  expect(progress.delivered).toBeLessThan(600);
  receiver.behaviour = ok;
  expect(await handle.result()).toMatchObject({ delivered: 600 });
  expect(receiver.requests).toHaveLength(600);
});
