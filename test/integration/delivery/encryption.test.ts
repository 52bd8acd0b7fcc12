import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { METADATA_ENCODING_KEY, type Payload, type PayloadCodec } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { expect, test } from 'vitest';
import { startApi } from '../../../api/index.js';
import { userWith } from '../../support/api.js';
import { answer } from '../../support/behaviours.js';
import { historiesOf, textOfHistory } from '../../support/histories.js';
import { freshUser, startTestStack, testLogger } from '../../support/stack.js';
import { connectClient } from '../../support/temporal.js';

const KEY = randomBytes(32);
const ENCODING = Buffer.from('binary/encrypted');

/** AES-256-GCM over whole payloads, as an operator would write it. */
const encryption: PayloadCodec = {
  encode: async (payloads) => payloads.map(encrypt),
  decode: async (payloads) => payloads.map(decrypt),
};

function encrypt(payload: Payload): Payload {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', KEY, nonce);
  const text = cipher.update(temporal.api.common.v1.Payload.encode(payload).finish());
  const data = Buffer.concat([nonce, text, cipher.final(), cipher.getAuthTag()]);
  return { metadata: { [METADATA_ENCODING_KEY]: ENCODING }, data };
}

function decrypt(payload: Payload): Payload {
  if (!ENCODING.equals(payload.metadata?.[METADATA_ENCODING_KEY] ?? Buffer.alloc(0))) return payload;
  const data = payload.data ?? Buffer.alloc(0);
  const decipher = createDecipheriv('aes-256-gcm', KEY, data.subarray(0, 12)).setAuthTag(data.subarray(-16));
  const text = Buffer.concat([decipher.update(data.subarray(12, -16)), decipher.final()]);
  return temporal.api.common.v1.Payload.decode(text);
}

const environment = { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_PROBE_INTERVAL: '1s', PORT: '0' };

test('payload codecs keep what is sent to Temporal from its readers, at every step of a batch', async () => {
  const stack = await startTestStack({ environment, payloadCodecs: [encryption] });
  const { client, receiver, store, config } = stack;
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

  const api = await startApi({ config, store, logger: testLogger(), payloadCodecs: [encryption] });
  const { key } = await store.createApiKey(user_id);
  const { body } = await userWith(api.url, user_id, key).get(`/v1/postcall/batches/${batch.batchId}`);
  await api.stop();
  expect(body.data).toMatchObject({ batch_id: batch.batchId, delivered: 2 });

  const [history] = await historiesOf(await connectClient(), batch.workflowId);
  const text = history ? textOfHistory(history) : '';
  expect(text).toContain('deliverWebhooks');
  expect([user_id, receiver.url].filter((secret) => text.includes(secret))).toEqual([]);
});
