import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '../store/index.js';

/** The user to whom the development key and the sample calls belong. */
export const DEVELOPMENT_USER = 'dev';

/**
 * The API key of the development user. The store keeps only its hash, so a file in the data folder keeps the key itself.
 * `created` is true when the store did not know it: at the first start, or with a new database.
 */
export async function developmentKey(store: Store, dataDir: string): Promise<{ key: string; created: boolean }> {
  const file = join(dataDir, 'development-api-key');
  const kept = await readKey(file);
  if (kept !== undefined && (await store.findUserByApiKey(kept)) === DEVELOPMENT_USER)
    return { key: kept, created: false };
  const { key } = await store.createApiKey(DEVELOPMENT_USER);
  await mkdir(dataDir, { recursive: true });
  await writeFile(file, `${key}\n`, { mode: 0o600 });
  return { key, created: true };
}

async function readKey(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
