import { getTableName, is } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { toStoreError } from '../driver-errors.js';
import { StoreUnavailableError } from '../errors.js';
import { PLANNING } from '../planning.js';
import * as schema from '../schema.js';
import { sessionConfig } from './session-config.js';

const TABLES = Object.values(schema)
  .filter((value) => is(value, PgTable))
  .map((table) => getTableName(table));

/**
 * Looks whether the statements can work. Throws a StoreError where they cannot: `rights`, where the role may not read and write a table, and
 * `pooler`, where sessions lack their settings.
 */
export async function examineSession(databaseUrl: string): Promise<void> {
  const client = new pg.Client(sessionConfig(databaseUrl));
  client.on('error', () => undefined); // the statement under way reports it
  try {
    await client.connect();
    await expectRights(client);
    await expectSettings(client);
  } catch (error) {
    throw toStoreError(error);
  } finally {
    await client.end();
  }
}

export async function expectRights(client: pg.ClientBase): Promise<void> {
  const missing = await missingRights(client);
  if (missing.length === 0) return;
  throw new StoreUnavailableError(`the database role lacks rights: ${missing.join(', ')}`, { problem: 'rights' });
}

/** Such as `UPDATE on webhooks`. */
async function missingRights(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ missing: string }>(
    `select string_agg(privilege, ', ') || ' on ' || name as missing
     from unnest($1::text[]) with ordinality as wanted(name, place)
     cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) privilege
     where not has_table_privilege(name, privilege)
     group by name, place order by place`,
    [TABLES],
  );
  return rows.map(({ missing }) => missing);
}

/** A pooler that ignores them answers all the same, and every statement may then read whole tables. */
export async function expectSettings(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string; value: string }>(
    'select name, current_setting(name) as value from unnest($1::text[]) name',
    [Object.keys(PLANNING)],
  );
  const wrong = rows.filter(({ name, value }) => PLANNING[name as keyof typeof PLANNING] !== value);
  if (wrong.length === 0) return;
  const settings = wrong.map(
    ({ name }) => `alter role current_user set ${name} = ${PLANNING[name as keyof typeof PLANNING]}`,
  );
  const message = `a connection pooler drops what sessions ask for: run \`${settings.join('; ')}\` as the role of DATABASE_URL, connected to PostgreSQL itself`;
  throw new StoreUnavailableError(message, { problem: 'pooler' });
}
