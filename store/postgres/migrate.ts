import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { toStoreError } from '../driver-errors.js';
import { StoreUnavailableError } from '../errors.js';
import { MIGRATIONS_TABLE, migrationConfig, type SchemaState, schemaState } from '../migrate.js';
import { CONNECT_TIMEOUT_MS, CONNECTION } from './session-config.js';

/** Any number that no other user of advisory locks in the same database is likely to take. */
const MIGRATION_LOCK = 7_260_511_094;

/** Takes as long as it takes; whether the other side is still there is asked by TCP. */
const UNLIMITED: pg.ClientConfig = { connectionTimeoutMillis: CONNECT_TIMEOUT_MS, keepAlive: true };

/**
 * Brings the schema up to date, on a connection of its own and without time limits; processes that start together take turns. Changes
 * nothing, and needs no right to change anything, where it is up to date: that is found out within the limits of all statements. Throws
 * a StoreError; its problem is `schema` where the role may not change it.
 */
export async function migratePostgres(databaseUrl: string): Promise<SchemaState> {
  const found = await inSession({ ...CONNECTION, connectionString: databaseUrl }, readSchemaState);
  if (found === 'missing' || found === 'outdated') {
    await inSession({ ...UNLIMITED, connectionString: databaseUrl }, (client) => update(client, found));
  }
  return found;
}

async function inSession<T>(config: pg.ClientConfig, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(config);
  client.on('error', () => undefined); // the statement under way reports it
  try {
    await connectFirst(client);
    return await work(client);
  } catch (error) {
    throw toStoreError(error);
  } finally {
    // Ends the session, and with it a lock.
    await client.end();
  }
}

/** At the first time a database is opened, its address may be wrong. */
export async function connectFirst(client: pg.Client): Promise<void> {
  try {
    await client.connect();
  } catch (thrown) {
    const error = toStoreError(thrown);
    if (!(error instanceof StoreUnavailableError) || error.problem !== 'away') throw error;
    const remedy = 'start PostgreSQL, or correct host and port in DATABASE_URL';
    throw new StoreUnavailableError(error.reason, { remedy, cause: error.cause });
  }
}

/** Looks the table up by the session's search path, as all statements do. */
export async function readSchemaState(client: pg.ClientBase): Promise<SchemaState> {
  const { rows: tables } = await client.query<{ is_there: boolean }>(
    `select to_regclass('${MIGRATIONS_TABLE}') is not null as is_there`,
  );
  if (!tables[0]?.is_there) return schemaState(undefined);
  const { rows } = await client.query<{ newest: string | null }>(
    `select max(created_at) as newest from ${MIGRATIONS_TABLE}`,
  );
  const newest = rows[0]?.newest;
  return schemaState(newest === null || newest === undefined ? undefined : Number(newest));
}

async function update(client: pg.Client, found: SchemaState): Promise<void> {
  const { rows } = await client.query<{ schema: string | null }>('select current_schema() as schema');
  await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
  try {
    await migrate(drizzle({ client }), migrationConfig(rows[0]?.schema ?? undefined));
  } catch (thrown) {
    const error = toStoreError(thrown);
    if (!(error instanceof StoreUnavailableError) || error.problem !== 'rights') throw error;
    const state = found === 'missing' ? 'there is no schema yet' : 'the schema is older than this version needs';
    throw new StoreUnavailableError(`${state}, and this role may not change it (${reasonOf(thrown)})`, {
      problem: 'schema',
    });
  }
}

const reasonOf = (thrown: unknown): string => {
  const { cause = thrown } = thrown as { cause?: unknown };
  return cause instanceof Error ? cause.message : String(cause);
};
