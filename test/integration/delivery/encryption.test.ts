import { expect, test } from 'vitest';
import { loadPayloadCodecs } from '../../../config/index.js';
import { startOwnApi, userWith } from '../../support/api.js';
import { answer } from '../../support/behaviours.js';
import { ENCRYPTION } from '../../support/codec-module.js';
import { historiesOf, textOfHistory } from '../../support/histories.js';
import { freshUser, startTestStack } from '../../support/stack.js';
import { connectClient } from '../../support/temporal.js';

const environment = {
  POSTCALL_RETRY_SCHEDULE: '1h',
  POSTCALL_PROBE_INTERVAL: '1s',
  // No codec encrypts them.
  POSTCALL_SEARCH_ATTRIBUTES: 'off',
};

test('payload codecs keep what is sent to Temporal from its readers, at every step of a batch', async () => {
  const stack = await startTestStack({ environment, payloadCodecs: await loadPayloadCodecs(ENCRYPTION) });
  const { client, receiver, store } = stack;
  const user_id = freshUser();
  const call_ids = await stack.addCalls(2, user_id);
  receiver.behaviour = answer(503);
  const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url });
  await expect.poll(async () => (await batch.progress()).retrying).toBe(2);
  await batch.pause();
  await expect.poll(async () => (await batch.progress()).status).toBe('paused');
  await batch.resume();
  await expect.poll(() => receiver.requests.length).toBeGreaterThanOrEqual(4);
  receiver.behaviour = answer(200);
  // The worker's own signals wake them, as probes and after a delivery.
  await expect.poll(() => batch.progress()).toMatchObject({ delivered: 2 });
  expect(await batch.describe()).toMatchObject({ user_id });

  const { url } = await startOwnApi(stack, { payloadCodecs: await loadPayloadCodecs(ENCRYPTION) });
  const { key } = await store.createApiKey(user_id);
  const { body } = await userWith(url, user_id, key).get(`/v1/postcall/batches/${batch.batchId}`);
  expect(body.data).toMatchObject({ batch_id: batch.batchId, delivered: 2 });

  const [history] = await historiesOf(await connectClient(), batch.workflowId);
  const text = history ? textOfHistory(history) : '';
  expect(text).toContain('deliverWebhooks');
  expect([user_id, receiver.url].filter((secret) => text.includes(secret))).toEqual([]);
});
