import { expect, test } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { freshUser, startTestStack } from '../../support/stack.js';

test('60 payloads of 9 MB and 200 small ones at once are sent once each, and none is said to have timed out', {
  timeout: 240_000,
}, async () => {
  const { client, receiver, store, addCalls } = await startTestStack();
  receiver.behaviour = answer(200);
  const user_id = freshUser();
  const large = Array.from({ length: 60 }, (_, index) => `large-${index}`);
  const data = `{"x": "${'x'.repeat(9_000_000)}"}`;
  for (const call_id of large) await store.upsertCalls([{ call_id, user_id, data }]);
  const small = await addCalls(200, user_id);

  const batches = [];
  for (const call_ids of [large, small]) {
    batches.push(await client.create({ user_id, call_ids, webhook_url: receiver.url }));
  }
  const results = await Promise.all(batches.map((batch) => batch.result()));

  expect(results).toMatchObject([{ delivered: 60 }, { delivered: 200 }]);
  expect(receiver.requests).toHaveLength(260);
  for (const call_id of [...large, ...small]) {
    const webhook = await store.getWebhook(user_id, call_id);
    expect(webhook?.metadata).toMatchObject([{ response_code: 200, error: null }]);
  }
});
