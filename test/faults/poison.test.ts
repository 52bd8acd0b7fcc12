import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { answer, delayed } from '../support/behaviours.js';
import { sharedPostgres } from '../support/fault-postgres.js';
import { startScene, startTestStack } from '../support/stack.js';
import { WorkerProcess } from '../support/worker-process.js';

const postgres = sharedPostgres();
const PROGRAM = {
  entry: fileURLToPath(new URL('../support/worker-with-poison.mjs', import.meta.url)),
  prints: 'the worker runs',
};

async function start() {
  const environment = {
    DATABASE_URL: await postgres().createDatabase(),
    POSTCALL_RETRY_SCHEDULE: '1s',
    POSTCALL_ATTEMPT_TIMEOUT: '1s',
    POSTCALL_PROBE_INTERVAL: '1h',
  };
  const scene = await startScene(await startTestStack({ worker: false, environment }));
  const { client, store, user_id } = scene;
  const create = async (prefix: string, count: number, webhook_url: string) => {
    const call_ids = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
    await store.upsertCalls(call_ids.map((call_id) => ({ call_id, user_id, data: { call_id } })));
    return client.create({ user_id, call_ids, webhook_url });
  };
  return { ...scene, create, startWorker: () => WorkerProcess.start(scene.environment, PROGRAM) };
}

describe('a call whose attempt ends its worker', { timeout: 240_000 }, () => {
  test('is found and failed, and every other call is delivered', async () => {
    const { store, receiver, user_id, create, startWorker } = await start();
    const poison = await create('poison', 1, 'http://poison.test/');
    const others = await create('fine', 60, receiver.url);
    let deaths = 0;
    let worker = await startWorker();
    const isFailed = async () => (await store.getWebhook(user_id, 'poison-0'))?.status === 'failed';
    while (!(await isFailed())) {
      const died = await Promise.race([worker.exited.then(() => true), failed(isFailed)]);
      if (!died) break;
      deaths += 1;
      expect(deaths).toBeLessThan(12);
      await worker.kill();
      worker = await startWorker();
    }
    expect(deaths).toBeGreaterThanOrEqual(4);
    expect(await poison.result()).toMatchObject({ failed: 1, errors: [{ error: 'InterruptedRepeatedly' }] });
    expect(await others.result()).toMatchObject({ delivered: 60 });
    await worker.stop();
  });
});

/** Resolves to false once the webhook is failed. */
async function failed(isFailed: () => Promise<boolean>): Promise<false> {
  await expect.poll(isFailed, { timeout: 120_000 }).toBe(true);
  return false;
}

describe('100 calls that are in flight when their worker is killed three times in a row', { timeout: 240_000 }, () => {
  test('are all delivered', async () => {
    const { receiver, create, startWorker } = await start();
    receiver.behaviour = delayed(700, answer(200));
    let worker = await startWorker();
    const batch = await create('good', 100, receiver.url);
    for (let kills = 0; kills < 3; kills += 1) {
      const seen = receiver.requests.length;
      await expect.poll(() => receiver.requests.length, { timeout: 60_000 }).toBeGreaterThan(seen + 5);
      await worker.kill();
      worker = await startWorker();
    }
    receiver.behaviour = answer(200);
    expect(await batch.result()).toMatchObject({ delivered: 100, failed: 0 });
    await worker.stop();
  });
});
