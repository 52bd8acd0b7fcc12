import { expect, onTestFinished, test } from 'vitest';
import { startTestApi } from '../../support/api.js';
import { encryptionWith } from '../../support/encryption.js';
import { openScratchStore } from '../../support/pglite-template.js';
import { startTestStack } from '../../support/stack.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('what was accepted waits for a worker that has its key, and says so over HTTP', { timeout: 60_000 }, async () => {
  const dataDir = await temporaryFolder();
  const withKey = await openScratchStore({ dataDir, encryption: encryptionWith('2026') });
  onTestFinished(() => withKey.close());
  const without = await openScratchStore({ dataDir });
  onTestFinished(() => without.close());
  const stack = await startTestStack({ store: without });
  const { receiver, client } = stack;
  const user = await (await startTestApi(stack)).newUser();
  const call = (call_id: string) => ({ user_id: user.userId, call_id, data: `{"call_id":"${call_id}","n":1.10}` });
  await withKey.upsertCalls([call('sealed')]);
  await without.upsertCalls([call('clear')]);

  const order = { call_ids: ['sealed', 'clear'], webhook_url: receiver.url };
  const created = await user.post('/v1/postcall/webhooks/create', order, { prefer: 'wait=1' });
  expect(created.status).toBe(202);
  const batchId = created.headers.get('location')?.split('/').at(-1) ?? '';
  await expect.poll(() => receiver.requestsOf('clear').length).toBe(1);
  expect(await user.get('/v1/postcall/webhooks/sealed')).toMatchObject({
    status: 503,
    body: {
      errors: [{ message: 'A stored value cannot be decrypted now. Try again.', reason: 'database_unavailable' }],
    },
  });
  expect((await user.get('/v1/postcall/webhooks/clear')).status).toBe(200);
  await expect
    .poll(async () => (await user.get(`/v1/postcall/batches/${batchId}`)).body.data)
    .toMatchObject({ status: 'running', delivered: 1, failed: 0, rejected: 0 });

  await stack.stopWorkers();
  await stack.startWorker({ store: withKey });
  const batch = client.getHandle(batchId);
  await batch.retryNow();
  expect(await batch.result()).toMatchObject({ delivered: 2 });
  expect(receiver.requestsOf('sealed').map(({ body }) => body.toString())).toEqual(['{"call_id":"sealed","n":1.10}']);
});
