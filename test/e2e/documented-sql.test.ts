import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PLANNING } from '../../store/planning.js';
import { blocksOf, ROOT, textOf } from '../support/documents.js';

describe('the SQL of the documents', () => {
  const [role = '', planning = '', cleanUp = '', settle = ''] = blocksOf(textOf('docs/production.md'), 'sql');
  let db: PGlite;

  beforeAll(async () => {
    db = new PGlite();
    const migrations = (await readdir(join(ROOT, 'store/migrations'))).filter((file) => file.endsWith('.sql')).sort();
    for (const file of migrations) await db.exec(textOf(`store/migrations/${file}`));
    await db.exec(`
      insert into calls (call_id, user_id, data, imported_at)
        select 'c-' || days, 'acme', '{}', now() - days * interval '1 day' from unnest(array[0, 100, 200]) days;
      insert into webhooks (call_id, id, user_id, url, endpoint, payload, batch_id, status, next_attempt_at, created_at,
          accepted_at, settled_at)
        values ('c-0', 'msg_0', 'acme', 'https://example.com', 'e', '{}', 'b_1.0', 'retrying', now() - interval '1 hour',
            now(), now(), null),
          ('c-100', 'msg_1', 'acme', 'https://example.com', 'e', '{}', 'b_1.1', 'delivered', null, now(), now(),
            now() - interval '100 days')`);
  });
  afterAll(() => db.close());

  /** Runs statements, answers with the values of a column afterwards, and undoes it all. */
  async function valuesAfter(statements: string, ...columns: string[]): Promise<unknown[][]> {
    const values: unknown[][] = [];
    await db.transaction(async (transaction) => {
      await transaction.exec(statements);
      for (const column of columns) {
        const [table, name] = column.split('.');
        const { rows } = await transaction.query<{ value: unknown }>(
          `select ${name} as value from ${table} order by call_id`,
        );
        values.push(rows.map(({ value }) => value));
      }
      await transaction.rollback();
    });
    return values;
  }

  test('gives a role its rights and the settings that sessions ask for', async () => {
    await db.exec(`${role}; ${planning}`);
    const { rows } = await db.query(`select unnest(rolconfig) as setting from pg_roles where rolname = 'postcall'`);
    const settings = Object.entries(PLANNING).map(([name, value]) => ({ setting: `${name}=${value}` }));
    expect(new Set(rows)).toEqual(new Set([...settings, { setting: 'statement_timeout=12s' }]));
  });

  test('removes what is old, and nothing else', async () => {
    const left = await valuesAfter(cleanUp, 'webhooks.call_id', 'calls.call_id');
    expect(left).toEqual([
      ['c-0', 'c-100'],
      ['c-0', 'c-100'],
    ]);
  });

  test('fails what a lost Temporal database left unsettled, and leaves the rest alone', async () => {
    expect(await valuesAfter(settle, 'webhooks.status')).toEqual([['failed', 'delivered']]);
  });
});
