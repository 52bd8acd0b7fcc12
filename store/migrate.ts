import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';

/** Beside the source; two folders up, and in again, from the compiled `dist/store`. */
const FOLDERS = ['./migrations', '../../store/migrations'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** The project's own, so that a database shared with another user of Drizzle does not mix up the two histories. */
export const MIGRATIONS_TABLE = 'postcall_webhooks_migrations';

interface MigrationConfig {
  migrationsFolder: string;
  migrationsTable: string;
  migrationsSchema: string;
}

/** What Drizzle's migrators need. `schema`: where the tables are, so that rights granted on all of its tables hold for this one too. */
export function migrationConfig(schema = 'public'): MigrationConfig {
  const folder = FOLDERS.find((candidate) => existsSync(candidate));
  if (!folder) throw new Error(`the store's migrations are missing: looked in ${FOLDERS.join(' and ')}`);
  return { migrationsFolder: folder, migrationsTable: MIGRATIONS_TABLE, migrationsSchema: schema };
}

/** How a database's schema compares with the one that this version needs. A newer one serves as well. */
export type SchemaState = 'missing' | 'outdated' | 'current' | 'newer';

/** `newest`: when the newest migration in the database was made, in milliseconds since the epoch; undefined where there is none. */
export function schemaState(newest: number | undefined): SchemaState {
  if (newest === undefined) return 'missing';
  const own = Math.max(...readMigrationFiles(migrationConfig()).map(({ folderMillis }) => folderMillis));
  if (newest < own) return 'outdated';
  return newest === own ? 'current' : 'newer';
}
