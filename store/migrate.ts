import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Beside the source; two folders up, and in again, from the compiled `dist/store`. */
const FOLDERS = ['./migrations', '../../store/migrations'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/**
 * What Drizzle's migrators need. The table is the project's own, so that a database shared with another user of Drizzle does not
 * mix up the two histories: Drizzle skips whatever is older than the newest migration in its table.
 */
export function migrationConfig(): { migrationsFolder: string; migrationsTable: string } {
  const folder = FOLDERS.find((candidate) => existsSync(candidate));
  if (!folder) throw new Error(`the store's migrations are missing: looked in ${FOLDERS.join(' and ')}`);
  return { migrationsFolder: folder, migrationsTable: 'postcall_webhooks_migrations' };
}
