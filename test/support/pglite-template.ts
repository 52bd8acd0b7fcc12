import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStore, type Store, type StoreOptions } from '../../store/index.js';
import { migrationConfig } from '../../store/migrate.js';

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
const CACHE = join(modules, '.cache', 'postcall-webhooks');

/** Gives the data folder an empty database. Creating a cluster takes seconds of CPU, so that is done once and copied. */
export async function copyEmptyDatabase(dataDir: string): Promise<void> {
  await cp(join(await template(), 'pgdata'), join(dataDir, 'pgdata'), { recursive: true });
}

/** For a database that the caller removes. */
export const scratchFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'postcall-store-'));

export interface ScratchOptions {
  /** Default: one that is removed when the store is closed. */
  dataDir?: string;
  encryption?: StoreOptions['encryption'];
}

/** A store of PGlite, which finds its tables there already. */
export async function openScratchStore(options: ScratchOptions = {}): Promise<Store> {
  const { encryption, dataDir = await scratchFolder() } = options;
  if (!existsSync(join(dataDir, 'pgdata'))) await copyEmptyDatabase(dataDir);
  const store = await openStore({ dataDir, encryption });
  const close = async () => {
    await store.close();
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  return { ...store, close };
}

async function template(): Promise<string> {
  const folder = join(CACHE, `pglite-${await version()}`);
  if (!existsSync(folder)) await create(folder);
  return folder;
}

/** Test files run in several processes: the first to rename its own into place has made the template. */
async function create(folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const own = await mkdtemp(`${folder}-`);
  try {
    await (await openStore({ dataDir: own })).close();
    await rename(own, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** Changes with PGlite and with the migrations. */
async function version(): Promise<string> {
  const hash = createHash('sha256').update(await readFile(join(modules, '@electric-sql/pglite/package.json')));
  const { migrationsFolder, ...table } = migrationConfig();
  hash.update(JSON.stringify(table));
  for (const name of (await readdir(migrationsFolder)).filter((file) => file.endsWith('.sql')).sort()) {
    hash.update(await readFile(join(migrationsFolder, name)));
  }
  return hash.digest('hex').slice(0, 16);
}
