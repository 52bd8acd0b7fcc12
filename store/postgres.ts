import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { type Database, type Driver, databaseOf } from './database.js';
import { toStoreError } from './driver-errors.js';
import { migrationConfig } from './migrate.js';
import { PLANNING } from './planning.js';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`; `sslmode` and the other parameters of `pg` may follow. */
  databaseUrl: string;
  /** Connections, at most. Default 10. */
  maxConnections?: number;
}

/** To connect at all: an outage must become an error while its caller still waits. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Ends a statement on the server, so that it does not go on holding locks behind our back. */
const STATEMENT_TIMEOUT_MS = 12_000;
/** For a server that has gone silent: longer than the server's own limit, so that the server answers first where it lives. */
const SILENCE_TIMEOUT_MS = 15_000;
/** Statements of one kind under way at once: a second one is sent while the first one is being committed. */
const CONCURRENCY = 2;

/** Any number that no other user of advisory locks in the same database is likely to take. */
const MIGRATION_LOCK = 7_260_511_094;

const SESSION_OPTIONS = Object.entries(PLANNING)
  .map(([name, value]) => `-c ${name}=${value}`)
  .join(' ');

interface PoolOptions {
  /** Statements of one kind under way at once. */
  concurrency: number;
  /** Whether each connection is a session of its own, which can keep statements under their names. */
  ownSessions: boolean;
}

/** Opens a pool, without connecting. */
export function openPool(config: pg.PoolConfig, { concurrency, ownSessions }: PoolOptions): Database {
  const pool = new pg.Pool({
    application_name: 'postcall-webhooks',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: SILENCE_TIMEOUT_MS,
    keepAlive: true,
    ...config,
  });
  // An idle connection that breaks is replaced at the next use, which reports what is wrong; without a listener it would end
  // the process.
  pool.on('error', () => undefined);
  const driver: Driver = async ({ name, text, values }) => {
    const result = await pool.query<object>({ ...(ownSessions && { name }), text, values: [...values] });
    return result.rows;
  };
  return databaseOf(() => driver, { concurrency, close: () => pool.end() });
}

/**
 * Opens PostgreSQL with its schema up to date. Throws a StoreError when it cannot be reached or migrated. Sessions start with
 * settings of their own, which a PgBouncer in between drops (docs/production.md says what to do then).
 */
export async function openPostgres({ databaseUrl, maxConnections = 10 }: PostgresOptions): Promise<Database> {
  await migratePostgres(databaseUrl);
  return openPool(
    {
      connectionString: databaseUrl,
      max: maxConnections,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      options: SESSION_OPTIONS,
    },
    { concurrency: CONCURRENCY, ownSessions: true },
  );
}

/** Migrates on a connection of its own and without time limits; processes that start together take turns. */
async function migratePostgres(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => undefined); // the statement under way reports it
  try {
    await client.connect();
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await migrate(drizzle({ client }), migrationConfig());
  } catch (error) {
    throw toStoreError(error);
  } finally {
    // Ends the session, and with it the lock.
    await client.end();
  }
}
