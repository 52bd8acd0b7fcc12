import { describe, expect, test } from 'vitest';
import { answer, type Behaviour, neverAnswer } from '../../support/behaviours.js';
import { Receiver } from '../../support/receiver.js';
import { freshUser, sharedTestStack } from '../../support/stack.js';

const stack = sharedTestStack({
  environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_PROBE_INTERVAL: '1h', POSTCALL_ATTEMPT_TIMEOUT: '20s' },
});

/** Webhooks of one user that were delivered to A and to B, whose behaviour is then changed. */
async function delivered(toA: number, toB: number) {
  const { client, addCalls } = stack();
  const user_id = freshUser();
  const a = await Receiver.start();
  const b = await Receiver.start();
  const calls = { a: await addCalls(toA, user_id), b: await addCalls(toB, user_id) };
  for (const [callIds, { url }] of [[calls.a, a] as const, [calls.b, b] as const]) {
    const batch = await client.create({ user_id, call_ids: callIds, webhook_url: url });
    await batch.result();
  }
  a.clear();
  b.clear();
  return { user_id, a, b, calls };
}

async function resend(behaviourOfA: Behaviour, toA: number, toB: number) {
  const world = await delivered(toA, toB);
  world.a.behaviour = behaviourOfA;
  const call_ids = [...world.calls.a, ...world.calls.b];
  const batch = await stack().client.resend({ user_id: world.user_id, call_ids });
  return { ...world, batch };
}

describe('a resend to two endpoints', () => {
  test('of which one is gone fails the calls to that one alone', async () => {
    const { batch, b } = await resend(answer(410), 1, 30);
    expect(await batch.result()).toMatchObject({ delivered: 30, failed: 1 });
    expect(b.requests).toHaveLength(30);
    expect((await batch.progress()).endpoints).toMatchObject([{ state: 'gone' }]);
  });

  test('of which one answers 500 delivers to the other, and names the one that is down', async () => {
    const { batch, a, b } = await resend(answer(500), 12, 30);
    await expect.poll(() => batch.progress()).toMatchObject({ delivered: 30 });
    expect(b.requests).toHaveLength(30);
    const { endpoints } = await batch.progress();
    expect(endpoints).toMatchObject([{ state: 'down', url: expect.stringContaining(String(a.port)) }]);
    await batch.cancel();
    expect(await batch.result()).toMatchObject({ delivered: 30, canceled: 12 });
  });

  test('of which one hangs delivers to the other before the hanging one has answered anything', async () => {
    const { batch, a, b } = await resend(neverAnswer, 40, 200);
    await expect.poll(() => batch.progress()).toMatchObject({ delivered: 200 });
    expect(b.requests).toHaveLength(200);
    expect(a.requests.every(({ answered }) => answered === undefined)).toBe(true);
    await batch.cancel();
    await a.close();
    await batch.result();
  });
});

test('two rounds of sending again at the same moment send each failed webhook once', async () => {
  const { client, receiver, addCalls } = stack();
  receiver.behaviour = answer(410);
  const user_id = freshUser();
  const call_ids = await addCalls(300, user_id);
  const since = new Date(Date.now() - 60_000).toISOString();
  const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url });
  expect(await batch.result()).toMatchObject({ failed: 300 });
  receiver.behaviour = answer(200);
  receiver.clear();
  const rounds = await Promise.all([client.resendFailed({ user_id, since }), client.resendFailed({ user_id, since })]);
  for (const round of rounds) {
    for (const batchId of (await round.result()).batches) await client.getHandle(batchId).result();
  }
  expect(receiver.requests.map(({ callId }) => callId).sort()).toEqual([...call_ids].sort());
});

describe('two users', () => {
  test('who create for the same call ID have each their own webhook, or none', async () => {
    const { client, receiver, store } = stack();
    receiver.behaviour = answer(200);
    const [one, two] = [freshUser(), freshUser()] as const;
    const call_id = `shared-${one}`;
    await store.upsertCalls([{ call_id, user_id: one, data: { call_id, whose: 'one' } }]);
    const foreign = await client.create({ user_id: two, call_ids: [call_id], webhook_url: receiver.url });
    expect(await foreign.result()).toMatchObject({ rejected: 1, errors: [{ error: 'CallNotFound' }] });
    const own = await client.create({ user_id: one, call_ids: [call_id], webhook_url: receiver.url });
    expect(await own.result()).toMatchObject({ delivered: 1 });
    expect(await store.getWebhook(two, call_id)).toBeUndefined();

    await store.upsertCalls([{ call_id, user_id: two, data: { call_id, whose: 'two' } }]);
    const again = await client.create({ user_id: two, call_ids: [call_id], webhook_url: receiver.url });
    expect(await again.result()).toMatchObject({ delivered: 1 });
    expect((await store.getWebhook(one, call_id))?.payload).toContain('"one"');
    expect((await store.getWebhook(two, call_id))?.payload).toContain('"two"');
  });
});
