import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { migrateStore, openStore, StoreUnavailableError } from '../../../store/index.js';
import { PLANNING } from '../../../store/planning.js';
import { hasPgBouncer, startPgBouncer } from '../../support/pgbouncer.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { attempted, register } from '../../support/stores.js';

const IGNORING = ['ignore_startup_parameters = statement_timeout,options'];

describe.skipIf(!hasPgBouncer)('behind PgBouncer', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  /** A database whose sessions have the settings, or lack them. */
  async function database(withSettings: boolean): Promise<string> {
    const databaseUrl = await server.createDatabase();
    await migrateStore({ databaseUrl });
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    for (const [name, value] of withSettings ? Object.entries(PLANNING) : []) {
      await client.query(`alter database "${new URL(databaseUrl).pathname.slice(1)}" set ${name} = ${value}`);
    }
    await client.end();
    return databaseUrl;
  }

  test('that does not let startup parameters pass, nothing starts', async () => {
    const { url: databaseUrl } = await startPgBouncer({ databaseUrl: await database(true), poolMode: 'session' });
    const opening = openStore({ databaseUrl });
    await expect(opening).rejects.toThrow(StoreUnavailableError);
    await expect(opening).rejects.toMatchObject({
      problem: 'pooler',
      message: expect.stringMatching(/unsupported startup parameter.*docs\/production\.md/),
    });
  });

  test('that drops the settings of sessions, nothing starts, and the missing setting is named', async () => {
    const { url: databaseUrl } = await startPgBouncer({
      databaseUrl: await database(false),
      poolMode: 'session',
      settings: IGNORING,
    });
    await expect(openStore({ databaseUrl })).rejects.toMatchObject({
      problem: 'pooler',
      message: expect.stringContaining('alter role current_user set enable_seqscan = off'),
    });
  });

  test.each(['session', 'transaction'] as const)(
    'in %s mode, with the settings given to the role, all works',
    async (poolMode) => {
      const { url: databaseUrl } = await startPgBouncer({
        databaseUrl: await database(true),
        poolMode,
        settings: IGNORING,
      });
      const stores = await Promise.all([1, 2].map(() => openStore({ databaseUrl, maxConnections: 4 })));
      onTestFinished(async () => {
        for (const store of stores) await store.close();
      });
      const users = Array.from({ length: 20 }, (_, index) => `u-${index}`);
      await Promise.all(
        users.map(async (user_id, index) => {
          const store = stores[index % 2];
          if (!store) return;
          const { ref } = await register(store, { user_id });
          await attempted(store, ref);
          expect(await store.getWebhook(user_id, ref.call_id)).toMatchObject({ status: 'delivered' });
        }),
      );
    },
  );

  test('a database that it does not know is an error of its own', async () => {
    const { url: databaseUrl } = await startPgBouncer({
      databaseUrl: await database(true),
      poolMode: 'session',
      settings: IGNORING,
    });
    const unknown = new URL(databaseUrl);
    unknown.pathname = '/unknown';
    await expect(openStore({ databaseUrl: unknown.href })).rejects.toMatchObject({
      problem: 'missing_database',
      message: expect.stringContaining('no such database'),
    });
  });
});
