import type { Database } from '../database.js';
import { examineSession } from './examine.js';
import { migratePostgres } from './migrate.js';
import { openPool } from './pool.js';
import { sessionConfig } from './session-config.js';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`; `sslmode` and the other parameters of `pg` may follow. */
  databaseUrl: string;
  /** Connections, at most. Default 10. */
  maxConnections?: number;
}

/** Statements of one kind under way at once: a second one is sent while the first one is being committed. */
const CONCURRENCY = 2;

/**
 * Opens PostgreSQL once its statements are known to work: the schema is up to date, where need be brought up to date by this role, the role
 * has its rights, and sessions have their settings. Throws a StoreError otherwise.
 */
export async function openPostgres({ databaseUrl, maxConnections = 10 }: PostgresOptions): Promise<Database> {
  await migratePostgres(databaseUrl);
  await examineSession(databaseUrl);
  const config = { ...sessionConfig(databaseUrl), max: maxConnections };
  return openPool(config, { concurrency: CONCURRENCY, keepsPrepared: true });
}
