import { expect, test } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { freshUser, sharedTestStack } from '../../support/stack.js';

const stack = sharedTestStack({
  environment: { POSTCALL_RETRY_SCHEDULE: '200ms', POSTCALL_RETRY_HORIZON: '4s' },
});

async function failAll(count: number) {
  const { client, receiver, addCalls } = stack();
  receiver.behaviour = answer(404);
  const user_id = freshUser();
  const call_ids = await addCalls(count, user_id);
  const handle = await client.create({ user_id, call_ids, webhook_url: receiver.url });
  return { user_id, call_ids, handle, result: await handle.result() };
}

test('a webhook whose schedule is used up is failed, with its attempts and the reason', async () => {
  const { store } = stack();
  const { result, user_id, call_ids } = await failAll(1);
  expect(result).toMatchObject({ failed: 1, errors: [{ error: 'ScheduleUsedUp' }] });
  const webhook = await store.getWebhook(user_id, call_ids[0] as string);
  expect(webhook).toMatchObject({ status: 'failed', next_attempt_at: null, reason: expect.stringContaining('404') });
  expect(webhook?.metadata.length).toBeGreaterThan(2);
});

test('failed webhooks are listed by time and URL, and sent again in batches without the store', async () => {
  const { client, receiver, store } = stack();
  const since = new Date(Date.now() - 60_000).toISOString();
  const { user_id, call_ids, handle: first } = await failAll(5);

  const listed = await client.listFailed({ user_id, since, url: receiver.url });
  expect(listed.webhooks.map(({ call_id }) => call_id).sort()).toEqual([...call_ids].sort());
  expect(listed.webhooks[0]).toMatchObject({
    batch_id: first.batchId,
    url: receiver.url,
    attempts: expect.any(Number),
  });
  const earlier = new Date(Date.now() - 3_600_000).toISOString();
  expect(await client.listFailed({ user_id, since: earlier, until: since })).toMatchObject({ webhooks: [] });
  expect(await client.listFailed({ user_id: freshUser(), since })).toMatchObject({ webhooks: [] });

  receiver.behaviour = answer(200);
  receiver.clear();
  const { batches, calls } = await (await client.resendFailed({ user_id, since })).result();
  expect(calls).toBe(5);
  for (const batchId of batches) await client.getHandle(batchId).result();
  expect(receiver.requests.map(({ callId }) => callId).sort()).toEqual([...call_ids].sort());
  const webhook = await store.getWebhook(user_id, call_ids[0] as string);
  expect(webhook?.status).toBe('delivered');
  expect(webhook?.metadata.at(-1)).toMatchObject({ send_type: 'resend', response_code: 200 });
  expect(await client.listFailed({ user_id, since })).toMatchObject({ webhooks: [] });
});
