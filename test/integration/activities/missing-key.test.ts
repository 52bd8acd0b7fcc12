import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore, type Store } from '../../../store/index.js';
import { registerDelivery, startProcess } from '../../support/activities.js';
import { encryptionWith } from '../../support/encryption.js';
import { openScratchStore } from '../../support/pglite-template.js';
import { Receiver } from '../../support/receiver.js';
import { unique } from '../../support/stores.js';

let dataDir: string;
let withKey: Store;
let without: Store;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'postcall-keys-'));
  withKey = await openScratchStore({ dataDir, encryption: encryptionWith('2026') });
  without = await openStore({ dataDir });
});
afterAll(async () => {
  await without.close();
  await withKey.close();
  await rm(dataDir, { recursive: true, force: true });
});

test('a call whose key is missing waits, is told of once with the key’s ID, and holds up no other call', async () => {
  await using receiver = await Receiver.start();
  const worker = startProcess({ store: without });
  const webhook_url = receiver.url;
  const sealed = await Promise.all([1, 2].map(() => registerDelivery(withKey, { webhook_url, payload: '{"a":1}' })));
  const clear = await registerDelivery(without, { webhook_url, payload: '{"b":2}' });
  const ends = await Promise.all([...sealed, clear].map((input) => worker.deliver(input)));
  expect(ends).toMatchObject([
    { kind: 'unread', due_in: 30_000, source_away: false },
    { kind: 'unread', due_in: 30_000, source_away: false },
    { kind: 'delivered' },
  ]);
  expect(receiver.requests.map(({ body }) => body.toString())).toEqual(['{"b":2}']);
  expect(worker.faults).toEqual([
    expect.stringMatching(
      /^webhooks wait for an encryption key: a stored value needs the encryption key 2026:[0-9a-f]{8},/,
    ),
  ]);

  const repaired = startProcess({ store: withKey });
  for (const input of sealed) expect(await repaired.deliver(input)).toMatchObject({ kind: 'delivered' });
  for (const { user_id, call_id } of sealed) {
    expect(await withKey.getWebhook(user_id, call_id)).toMatchObject({ metadata: [{ response_code: 200 }] });
  }
});

test('a call is not read from its source while nothing could be signed', async () => {
  await using receiver = await Receiver.start();
  const user_id = unique('user');
  await withKey.createSigningSecret(user_id);
  let asked = 0;
  const source = {
    getCall: async (call_id: string) => {
      asked += 1;
      return { call_id, data: '{"a":1}' };
    },
  };
  const worker = startProcess({ store: without, calls: { source } });
  const input = await registerDelivery(without, { webhook_url: receiver.url, payload: null, user_id });
  expect(await worker.deliver(input)).toMatchObject({ kind: 'unread' });
  expect(asked).toBe(0);
  expect(receiver.requests).toEqual([]);
});
