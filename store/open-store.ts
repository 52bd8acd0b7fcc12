import type { Database } from './database.js';
import { Cipher, type EncryptionOptions } from './encryption/cipher.js';
import type { SchemaState } from './migrate.js';
import { openPglite } from './pglite/open.js';
import { migratePostgres } from './postgres/migrate.js';
import { openPostgres, type PostgresOptions } from './postgres/open.js';
import { sqlStore } from './sql-store.js';
import type { Store } from './store.js';

/** PostgreSQL, or an embedded database. */
export type StoreOptions = (PostgresOptions | EmbeddedOptions) & {
  /** Keys for signing secrets and payloads (AES-256-GCM). Default: they are written in the clear. */
  encryption?: EncryptionOptions | undefined;
};

interface EmbeddedOptions {
  /** Folder of the embedded database (PGlite). */
  dataDir: string;
  /** Where a configuration names a PostgreSQL, it is used, and the folder is not. */
  databaseUrl?: string | undefined;
}

/**
 * Opens the store with its schema up to date. Throws `StoreUnavailableError`, with the problem and its remedy, when the database cannot be
 * used, and `StoreQueryError` when a migration is refused.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const cipher = new Cipher(options.encryption);
  return sqlStore(await openDatabase(options), cipher);
}

/**
 * Brings the schema up to date, by a role that may. Answers how it was found; undefined for an embedded database, which is up to date
 * whenever it is open. Throws as {@link openStore}.
 */
export async function migrateStore(options: StoreOptions): Promise<SchemaState | undefined> {
  const { databaseUrl } = options;
  if (databaseUrl !== undefined) return migratePostgres(databaseUrl);
  await (await openDatabase(options)).close();
  return undefined;
}

async function openDatabase(options: StoreOptions): Promise<Database> {
  const { databaseUrl } = options;
  if (databaseUrl !== undefined) return openPostgres({ ...options, databaseUrl });
  if ('dataDir' in options) return openPglite(options.dataDir);
  throw new TypeError('openStore needs databaseUrl (PostgreSQL) or dataDir (an embedded database)');
}
