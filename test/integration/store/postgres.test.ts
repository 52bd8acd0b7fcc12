import { createServer } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openStore, type Store, StoreUnavailableError } from '../../../store/index.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { closeRequest, mustOpen, openRequest, register } from '../../support/stores.js';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.remove());

async function open(databaseUrl: string): Promise<Store> {
  const store = await openStore({ databaseUrl });
  onTestFinished(() => store.close());
  return store;
}

test('processes that start together on an empty database migrate it once', async () => {
  const url = await server.createDatabase();
  const stores = await Promise.all([...Array(6)].map(() => open(url)));
  await Promise.all(stores.map((store) => register(store)));
});

test.skipIf(process.env.TEST_DATABASE_URL)('an outage is an error while it lasts, and nothing afterwards', async () => {
  const store = await open(await server.createDatabase());
  const { ref } = await register(store);
  const { seq } = await mustOpen(store, openRequest(ref));
  await server.stop();
  const close = closeRequest(ref, seq);
  await expect(store.closeAttempt(close)).rejects.toThrow(StoreUnavailableError);
  await expect(store.getWebhook('user', 'call')).rejects.toThrow(StoreUnavailableError);
  await server.start();
  expect(await store.closeAttempt(close)).toMatchObject({ standing: { status: 'delivered' } });
});

test.skipIf(process.env.TEST_DATABASE_URL)(
  'a restart in the middle of work fails with nothing but "unavailable"',
  async () => {
    const store = await open(await server.createDatabase());
    let stopped = false;
    const errors: unknown[] = [];
    let registered = 0;
    const work = Promise.all(
      [...Array(20)].map(async () => {
        while (!stopped) {
          const result = await register(store).catch((error: unknown) => void errors.push(error));
          if (result) registered += 1;
          else await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }),
    );
    await expect.poll(() => registered).toBeGreaterThan(100);
    await server.kill();
    await expect.poll(() => errors.length).toBeGreaterThan(0);
    await server.start();
    const before = registered;
    await expect.poll(() => registered).toBeGreaterThan(before + 100);
    stopped = true;
    await work;
    expect(errors.filter((error) => !(error instanceof StoreUnavailableError))).toEqual([]);
  },
);

test('opening fails with "unavailable" where nobody listens, and where there is no such database', async () => {
  const nobody = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => nobody.once('listening', resolve));
  const { port } = nobody.address() as { port: number };
  await new Promise((resolve) => nobody.close(resolve));
  await expect(openStore({ databaseUrl: `postgres://127.0.0.1:${port}/x` })).rejects.toThrow(StoreUnavailableError);
  const missing = new URL(server.url);
  missing.pathname = '/missing';
  await expect(openStore({ databaseUrl: missing.href })).rejects.toThrow(/"missing" does not exist/);
});

test('a server that accepts connections and says nothing is given up', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  onTestFinished(() => void silent.close());
  const { port } = silent.address() as { port: number };
  await expect(openStore({ databaseUrl: `postgres://127.0.0.1:${port}/x` })).rejects.toThrow(StoreUnavailableError);
});

test('an attempt that another session has locked is given up as unavailable', async () => {
  const url = await server.createDatabase();
  const store = await open(`${url}?options=-c%20lock_timeout%3D100`);
  const { ref } = await register(store);
  const { seq } = await mustOpen(store, openRequest(ref));
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('begin');
  await client.query('select from attempts where seq = $1 for update', [seq]);
  const close = closeRequest(ref, seq);
  await expect(store.closeAttempt(close)).rejects.toThrow(StoreUnavailableError);
  await client.query('rollback');
  await client.end();
  expect(await store.closeAttempt(close)).toMatchObject({ standing: { status: 'delivered' } });
});
