import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../../contract/free-port.js';
import { send, startTestApi } from '../../support/api.js';
import { startPostgres } from '../../support/postgres.js';
import { startTestStack } from '../../support/stack.js';
import { startOwnTemporalServer } from '../../support/temporal.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const CREATE = '/v1/postcall/webhooks/create';

describe('while the workflow service is away', { timeout: 180_000 }, () => {
  test('create answers 503 within five seconds and does nothing; the same request succeeds afterwards', async () => {
    const [dataDir, port] = [await temporaryFolder(), await freePort()];
    const server = await startOwnTemporalServer({ dataDir, port });
    const stack = await startTestStack({ temporalAddress: server.address });
    const { url, newUser } = await startTestApi(stack);
    const user = await newUser();
    const call_ids = await stack.addCalls(2, user.userId);
    const create = () =>
      user.post(CREATE, { call_ids, webhook_url: stack.receiver.url }, { 'idempotency-key': 'k', prefer: 'wait=20' });
    expect((await send(`${url}/readyz`)).status).toBe(200);

    await server.kill();
    const sentAt = performance.now();
    const { status, headers, body } = await create();
    // The promise of the API, not a measurement: what waits for the service gives up after four seconds.
    expect(performance.now() - sentAt).toBeLessThan(5_000);
    expect(status).toBe(503);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(body).toEqual({
      data: null,
      errors: [
        {
          error: 'INTERNAL_SERVER_ERROR',
          message: 'The workflow service cannot be reached. Try again.',
          reason: 'temporal_unavailable',
        },
      ],
    });
    const ready = await send(`${url}/readyz`);
    expect([ready.status, ready.body]).toEqual([503, { status: 'unavailable', temporal: 'unavailable', store: 'ok' }]);
    expect((await send(`${url}/healthz`)).status).toBe(200);
    expect((await user.get('/v1/postcall/batches/b_1.0')).status).toBe(503);
    expect((await user.get(`/v1/postcall/webhooks/${call_ids[0]}`)).status).toBe(404);

    await startOwnTemporalServer({ dataDir, port });
    await expect.poll(async () => (await send(`${url}/readyz`)).status, { timeout: 30_000 }).toBe(200);
    expect(stack.receiver.requests).toHaveLength(0);
    await expect.poll(async () => (await create()).status, { timeout: 30_000 }).toBe(200);
    for (const call of call_ids) expect(stack.receiver.requestsOf(call)).toHaveLength(1);
  });
});

describe('while no worker runs', () => {
  test('create is accepted, and the work is done once there is one', async () => {
    const stack = await startTestStack({ worker: false });
    const { newUser } = await startTestApi(stack);
    const user = await newUser();
    const call_ids = await stack.addCalls(1, user.userId);
    const { status, headers, body } = await user.post(
      CREATE,
      { call_ids, webhook_url: stack.receiver.url },
      { prefer: 'wait=1' },
    );
    expect([status, body]).toEqual([202, { data: [], errors: null }]);
    await stack.startWorker();
    await expect
      .poll(async () => (await user.get(headers.get('location') ?? '')).body.data)
      .toMatchObject({ delivered: 1 });
  });
});

describe('while the database is away', { timeout: 180_000 }, () => {
  test('reads and unknown keys are answered with 503; what a known key starts is accepted all the same', async () => {
    const postgres = await startPostgres();
    onTestFinished(() => postgres.remove());
    const stack = await startTestStack({ environment: { DATABASE_URL: await postgres.createDatabase() } });
    const { url, newUser } = await startTestApi(stack);
    const [user, stranger] = [await newUser(), await newUser()];
    const call_ids = await stack.addCalls(1, user.userId);
    const webhook = () => user.get(`/v1/postcall/webhooks/${call_ids[0]}`);
    expect((await webhook()).status).toBe(404);

    await postgres.stop();
    const created = await user.post(CREATE, { call_ids, webhook_url: stack.receiver.url }, { prefer: 'wait=1' });
    expect([created.status, created.body]).toEqual([202, { data: [], errors: null }]);
    expect(created.headers.get('location')).toMatch(/^\/v1\/postcall\/batches\/b_/);
    for (const { status, headers, body } of [await webhook(), await stranger.get('/v1/postcall/failed')]) {
      expect(status).toBe(503);
      expect(headers.get('retry-after')).not.toBeNull();
      expect(body.errors).toEqual([
        {
          error: 'INTERNAL_SERVER_ERROR',
          message: 'The database cannot be reached. Try again.',
          reason: 'database_unavailable',
        },
      ]);
    }
    const ready = await send(`${url}/readyz`);
    expect([ready.status, ready.body]).toMatchObject([503, { temporal: 'ok', store: 'unavailable' }]);

    await postgres.start();
    await expect.poll(async () => (await webhook()).body.data?.status, { timeout: 30_000 }).toBe('delivered');
  });
});
