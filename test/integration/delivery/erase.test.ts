import { describe, expect, test } from 'vitest';
import { answer, type Behaviour, delayed } from '../../support/behaviours.js';
import { freshUser, sharedTestStack, startTestStack } from '../../support/stack.js';

const stack = sharedTestStack({ environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_PROBE_INTERVAL: '1h' } });

async function start(count: number, behaviour: Behaviour, options = {}) {
  const { client, receiver, store, addCalls } = stack();
  receiver.clear();
  receiver.behaviour = behaviour;
  const user_id = freshUser();
  const call_ids = await addCalls(count, user_id);
  const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url, options });
  const webhookOf = (call_id: string) => store.getWebhook(user_id, call_id);
  const erase = (call_id: string) => store.eraseCall({ user_id, call_id });
  return { client, receiver, user_id, call_ids, call_id: call_ids[0] as string, batch, webhookOf, erase };
}

const inFlight = expect.any(Number);

describe('a call that is erased', () => {
  test('after its delivery keeps its webhook without a word of it, and is never sent again', async () => {
    const { client, receiver, user_id, call_id, batch, webhookOf, erase } = await start(1, answer(200));
    await batch.result();
    expect(await erase(call_id)).toEqual({
      webhook: { was: 'delivered', is: 'delivered', in_flight_ms: null },
      attempts: 1,
      call_record: true,
    });
    expect(await webhookOf(call_id)).toMatchObject({ status: 'delivered', payload: null, metadata: [] });

    const again = await client.resend({ user_id, call_ids: [call_id] });
    expect(await again.result()).toMatchObject({ rejected: 1, errors: [{ error: 'WebhookErased' }] });
    const anew = await client.create({ user_id, call_ids: [call_id], webhook_url: receiver.url });
    expect(await anew.result()).toMatchObject({ rejected: 1, errors: [{ error: 'WebhookExists' }] });
    expect(await erase(call_id)).toMatchObject({ attempts: 0, call_record: false });
    expect(receiver.requests).toHaveLength(1);
  });

  test('while it waits for its next attempt fails, and the batch learns of it when it tries', async () => {
    const { receiver, call_id, batch, webhookOf, erase } = await start(1, answer(500));
    await expect.poll(async () => (await batch.progress()).retrying).toBe(1);
    expect(await erase(call_id)).toMatchObject({ webhook: { was: 'retrying', is: 'failed', in_flight_ms: null } });
    await batch.retryNow();
    expect(await batch.result()).toMatchObject({ failed: 1, errors: [{ call_id, error: 'CallErased' }] });
    expect(await webhookOf(call_id)).toMatchObject({ status: 'failed', reason: expect.stringContaining('erased') });
    expect(receiver.requests).toHaveLength(1);
  });

  test('before its first attempt fails, and the others are delivered', async () => {
    const { receiver, call_ids, batch, webhookOf, erase } = await start(20, answer(500), { down_after: 1 });
    const untried = async () => {
      for (const call_id of call_ids) if ((await webhookOf(call_id))?.status === 'pending') return call_id;
      return undefined;
    };
    await expect.poll(async () => (await batch.progress()).endpoints).toMatchObject([{ state: 'down' }]);
    const call_id = (await untried()) as string;
    expect(await erase(call_id)).toMatchObject({ webhook: { was: 'pending', is: 'failed' }, attempts: 0 });
    receiver.behaviour = answer(200);
    await expect.poll(() => batch.retryNow().then(() => batch.progress())).toMatchObject({ delivered: 19, failed: 1 });
    expect(receiver.requestsOf(call_id)).toEqual([]);
  });

  test.each([
    ['delivered, where that attempt is answered well', answer(200), 'delivered', { delivered: 1 }],
    ['failed, where it is not', answer(500), 'failed', { failed: 1 }],
  ] as const)('with an attempt in flight is %s', async (_, end, status, counts) => {
    const { receiver, call_id, batch, webhookOf, erase } = await start(1, delayed(1_500, end));
    await expect.poll(() => receiver.inFlight).toBe(1);
    expect(await erase(call_id)).toMatchObject({ webhook: { is: 'failed', in_flight_ms: inFlight }, attempts: 0 });
    expect(await batch.result()).toMatchObject(counts);
    expect(await erase(call_id)).toMatchObject({ webhook: { is: status, in_flight_ms: null }, attempts: 1 });
    expect(await webhookOf(call_id)).toMatchObject({ status, payload: null, metadata: [] });
    expect(receiver.requests).toHaveLength(1);
  });

  test('while it is being read from its source is not stored, and not sent', async () => {
    let give: (() => void) | undefined;
    const given = new Promise<void>((resolve) => {
      give = resolve;
    });
    let asked = 0;
    const user_id = freshUser();
    const { client, store, receiver } = await startTestStack({
      callSource: {
        getCall: async (call_id) => {
          asked += 1;
          await given;
          return { call_id, user_id, data: '{"said":"something"}' };
        },
      },
    });
    const batch = await client.create({ user_id, call_ids: ['c-1'], webhook_url: receiver.url });
    await expect.poll(() => asked).toBe(1);
    expect(await store.eraseCall({ user_id, call_id: 'c-1' })).toMatchObject({ webhook: { was: 'pending' } });
    give?.();
    expect(await batch.result()).toMatchObject({ failed: 1 });
    expect(await store.getWebhook(user_id, 'c-1')).toMatchObject({ status: 'failed', payload: null });
    expect(receiver.requests).toEqual([]);
  });
});
