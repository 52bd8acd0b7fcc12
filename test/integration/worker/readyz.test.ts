import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../../contract/free-port.js';
import { openStore } from '../../../store/index.js';
import { send } from '../../support/api.js';
import { neverAnswer } from '../../support/behaviours.js';
import { startPrivatePostgres } from '../../support/postgres.js';
import { freshUser, startTestStack, type TestStackOptions } from '../../support/stack.js';
import { startOwnTemporalServer } from '../../support/temporal.js';

/** A worker with an HTTP server of its own. */
async function served(options: TestStackOptions = {}) {
  const port = await freePort();
  const environment = { ...options.environment, POSTCALL_METRICS_PORT: String(port) };
  const stack = await startTestStack({ ...options, environment });
  const get = (path: string) => send(`http://127.0.0.1:${port}${path}`);
  return { stack, get, readiness: async () => ({ ...((await get('/readyz')).body as object) }) };
}

const READY = { status: 'ready', temporal: 'ok', store: 'ok' };
const PATIENCE = { timeout: 30_000 };

describe("a worker's health", () => {
  test('is served with its metrics, and nothing else', async () => {
    const { stack, get, readiness } = await served();
    expect(await readiness()).toEqual(READY);
    expect((await get('/healthz?why=not')).body).toEqual({ status: 'ok' });
    expect((await get('/metrics')).text).toContain('postcall_attempts_total');
    expect((await get('/nowhere')).status).toBe(404);
    const posted = await fetch(`http://127.0.0.1:${stack.config.metrics.port}/readyz`, { method: 'POST' });
    expect(posted.status).toBe(405);
  });

  test('asks Temporal and the store far less often than it is asked', async () => {
    const { stack, get } = await served({ worker: false });
    let pings = 0;
    const ping = stack.store.ping.bind(stack.store);
    stack.store.ping = () => {
      pings += 1;
      return ping();
    };
    await stack.startWorker();
    const answers = await Promise.all(Array.from({ length: 100 }, () => get('/readyz')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    // Once a second at most; 100 would be one for each.
    expect(pings).toBeLessThanOrEqual(20);
  });

  test('says that the database is away, then that Temporal is, and lives all the same', {
    timeout: 120_000,
  }, async () => {
    await using postgres = await startPrivatePostgres();
    const temporal = await startOwnTemporalServer();
    const store = await openStore({ databaseUrl: await postgres.createDatabase() });
    onTestFinished(() => store.close());
    const { stack, get, readiness } = await served({ temporalAddress: temporal.address, store });
    expect(await readiness()).toEqual(READY);

    await postgres.stop();
    await expect.poll(readiness, PATIENCE).toEqual({ status: 'unavailable', temporal: 'ok', store: 'unavailable' });
    expect((await get('/readyz')).status).toBe(503);
    expect((await get('/healthz')).status).toBe(200);
    await postgres.start();
    await expect.poll(readiness, PATIENCE).toEqual(READY);

    await temporal.kill();
    await expect.poll(readiness, PATIENCE).toEqual({ status: 'unavailable', temporal: 'unavailable', store: 'ok' });
    expect((await get('/healthz')).status).toBe(200);
    await stack.stopWorkers();
  });

  test('says that it drains while attempts in flight finish', async () => {
    const { stack, readiness } = await served({ environment: { POSTCALL_ATTEMPT_TIMEOUT: '5s' } });
    stack.receiver.behaviour = neverAnswer;
    const user_id = freshUser();
    await stack.client.create({ user_id, call_ids: await stack.addCalls(1, user_id), webhook_url: stack.receiver.url });
    await expect.poll(() => stack.receiver.requests.length).toBe(1);
    const stopped = stack.stopWorkers();
    expect(await readiness()).toEqual({ ...READY, status: 'draining' });
    await stopped;
    await expect(readiness()).rejects.toThrow();
  });
});
