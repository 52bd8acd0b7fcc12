import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { migrateStore, openStore, type Store, type StoreProblem, StoreUnavailableError } from '../../../store/index.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { DATA_RIGHTS, databaseWithRole as databaseOn, queryOnce as query } from '../../support/roles.js';
import { attempted, register } from '../../support/stores.js';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.remove());

const databaseWithRole = () => databaseOn(server);

async function open(databaseUrl: string): Promise<Store> {
  const store = await openStore({ databaseUrl });
  onTestFinished(() => store.close());
  return store;
}

async function problemOf(work: Promise<unknown>): Promise<{ problem: StoreProblem; message: string }> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof StoreUnavailableError)) throw new Error(`not an absence: ${String(error)}`);
  return { problem: error.problem, message: error.message };
}

test('a role that may only read and write works on a schema that is current', async () => {
  const { owner, role, as } = await databaseWithRole();
  expect(await migrateStore({ databaseUrl: owner })).toBe('missing');
  await query(owner, `${DATA_RIGHTS} to ${role}`);
  const store = await open(as);
  const { ref } = await register(store);
  await attempted(store, ref);
  expect(await store.getWebhook(ref.user_id, ref.call_id)).toMatchObject({ status: 'delivered' });
  await store.createApiKey('user');
  await store.createSigningSecret('user');
  await store.prune({ finished_before: new Date() });
  expect(await migrateStore({ databaseUrl: as })).toBe('current');
});

test('the schema of a newer version serves', async () => {
  const { owner, role, as } = await databaseWithRole();
  await migrateStore({ databaseUrl: owner });
  await query(
    owner,
    `insert into postcall_webhooks_migrations (hash, created_at) values ('later', ${Date.now() + 10 * 365 * 86_400_000})`,
    `${DATA_RIGHTS} to ${role}`,
  );
  expect(await migrateStore({ databaseUrl: as })).toBe('newer');
  await register(await open(as));
});

describe('each fault is an error of its own, with what to do about it', () => {
  test('there is no schema, and the role may not create it', async () => {
    const { as } = await databaseWithRole();
    const { problem, message } = await problemOf(openStore({ databaseUrl: as }));
    expect(problem).toBe('schema');
    expect(message).toMatch(/there is no schema yet.*permission denied.*postcall migrate/);
  });

  test('the schema is older, and the role may not change it', async () => {
    const { owner, role, as } = await databaseWithRole();
    await migrateStore({ databaseUrl: owner });
    await query(owner, 'update postcall_webhooks_migrations set created_at = 1', `${DATA_RIGHTS} to ${role}`);
    const { problem, message } = await problemOf(openStore({ databaseUrl: as }));
    expect(problem).toBe('schema');
    expect(message).toMatch(/older than this version needs.*postcall migrate/);
  });

  test('the role lacks rights, which are named', async () => {
    const { owner, role, as } = await databaseWithRole();
    await migrateStore({ databaseUrl: owner });
    await query(owner, `${DATA_RIGHTS} to ${role}`, `revoke delete, update on webhooks from ${role}`);
    const { problem, message } = await problemOf(openStore({ databaseUrl: as }));
    expect(problem).toBe('rights');
    expect(message).toMatch(/UPDATE, DELETE on webhooks.*grant select, insert, update, delete/);
    expect(message).not.toContain('on attempts');
  });

  test('the role may not even look at the migrations', async () => {
    const { owner, as } = await databaseWithRole();
    await migrateStore({ databaseUrl: owner });
    expect(await problemOf(openStore({ databaseUrl: as }))).toMatchObject({ problem: 'rights' });
  });

  test('the database does not exist', async () => {
    const missing = new URL(server.url);
    missing.pathname = '/missing';
    const { problem, message } = await problemOf(openStore({ databaseUrl: missing.href }));
    expect(problem).toBe('missing_database');
    expect(message).toMatch(/"missing" does not exist: create the database/);
  });

  test('the role does not exist', async () => {
    const url = new URL(server.url);
    url.username = 'nobody_of_that_name';
    expect(await problemOf(openStore({ databaseUrl: url.href }))).toMatchObject({ problem: 'credentials' });
  });

  test.skipIf(process.env.TEST_DATABASE_URL)('the password is wrong', async () => {
    const { owner, role, as } = await databaseWithRole();
    const [{ hba_file = '' } = {}] = await query<{ hba_file: string }>(owner, 'show hba_file');
    const rules = await readFile(hba_file, 'utf8');
    await writeFile(hba_file, `host all ${role} 127.0.0.1/32 scram-sha-256\n${rules}`);
    await query(owner, 'select pg_reload_conf()');
    onTestFinished(() => writeFile(hba_file, rules));
    const wrong = new URL(as);
    wrong.password = 'wrong';
    // The server heeds its new rules a moment after it was asked to.
    await expect
      .poll(() => problemOf(openStore({ databaseUrl: wrong.href })))
      .toEqual({
        problem: 'credentials',
        message: expect.stringMatching(/password authentication failed.*correct user and password in DATABASE_URL/),
      });
    expect(await problemOf(openStore({ databaseUrl: as }))).toMatchObject({ problem: 'schema' });
  });

  test('nobody listens', async () => {
    const url = new URL(server.url);
    url.port = '1';
    const { problem, message } = await problemOf(openStore({ databaseUrl: url.href }));
    expect(problem).toBe('away');
    expect(message).toMatch(/ECONNREFUSED.*start PostgreSQL, or correct host and port/);
  });
});
