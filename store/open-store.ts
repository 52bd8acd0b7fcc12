import { openPglite } from './pglite/open.js';
import { openPostgres, type PostgresOptions } from './postgres.js';
import { sqlStore } from './sql-store.js';
import type { Store } from './store.js';

/** `dataDir`: the folder of an embedded database (PGlite), or `memory://` for one that ends with its process. */
export type StoreOptions = PostgresOptions | { dataDir: string };

/**
 * Opens the store with its schema up to date. Throws `StoreUnavailableError` when the database cannot be reached, and
 * `StoreQueryError` when it cannot be migrated.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  return sqlStore(await ('dataDir' in options ? openPglite(options.dataDir) : openPostgres(options)));
}
