import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { PostcallClient } from '../../../client/index.js';
import { freePort } from '../../../contract/free-port.js';
import { send, startOwnApi } from '../../support/api.js';
import { startTestStack } from '../../support/stack.js';
import { startOwnTemporalServer } from '../../support/temporal.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** By then gRPC's own pause between two attempts to connect would be two minutes. */
const ABSENCE_MS = 180_000;
/** The promise to those who wait for the service's return. */
const SOON = { timeout: 10_000 };

test('three minutes without Temporal: API and client work again within ten seconds of its return', async () => {
  const [dataDir, port] = [await temporaryFolder(), await freePort()];
  const server = await startOwnTemporalServer({ dataDir, port });
  const stack = await startTestStack({ temporalAddress: server.address });
  const { receiver } = stack;
  const { url, user } = await startOwnApi(stack);
  const client = await PostcallClient.connect({ address: server.address, taskQueue: stack.taskQueue });
  onTestFinished(() => client.close());
  const [first = '', second = ''] = await stack.addCalls(2, user.userId);
  const ready = async () => (await send(`${url}/readyz`)).status;
  expect(await ready()).toBe(200);

  await server.kill();
  await expect.poll(ready).toBe(503);
  // Asked all the while, as a load balancer asks: each look may be an attempt to connect.
  for (const back = performance.now() + ABSENCE_MS; performance.now() < back; await delay(2_000)) {
    expect(await ready()).toBe(503);
    await expect(client.ping()).rejects.toThrow();
  }
  await startOwnTemporalServer({ dataDir, port });

  await Promise.all([
    expect.poll(ready, SOON).toBe(200),
    expect.poll(() => client.ping().then(() => 'answered', String), SOON).toBe('answered'),
  ]);
  const request = { user_id: user.userId, call_ids: [first], webhook_url: receiver.url };
  const handle = await client.create(request);
  expect(handle.batchId).toMatch(/^b_/);
  const created = await user.post('/v1/postcall/webhooks/create', { call_ids: [second], webhook_url: receiver.url });
  expect([200, 202]).toContain(created.status);
  for (const call of [first, second]) {
    await expect.poll(() => receiver.requestsOf(call).length, { timeout: 60_000 }).toBe(1);
  }
}, 360_000);
