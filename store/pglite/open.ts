import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { type Database, databaseOf } from '../database.js';
import { StoreUnavailableError } from '../errors.js';
import { openPool } from '../postgres.js';
import { Cluster } from './cluster.js';
import { type DatabaseFolder, prepareFolder } from './folder.js';
import { serveConnections } from './protocol-server.js';
import { lockSocket, type SocketLock } from './socket-lock.js';

/** `dataDir` of a database that ends with its process. */
export const IN_MEMORY = 'memory://';

/** Another process may be creating the cluster and migrating it; its socket accepts connections that wait meanwhile. */
const START_PATIENCE_MS = 60_000;
/** Connections of another process to the one that holds the folder; more would only queue for its one session. */
const MAX_CONNECTIONS = 4;

/**
 * Opens the embedded database of a folder. The first process holds the folder and serves it on a socket; later ones connect
 * to it there. The cluster survives the death of its process at any moment, but does not sync its files to the disk: after a
 * power failure it may be damaged.
 */
export async function openPglite(dataDir: string): Promise<Database> {
  if (dataDir === IN_MEMORY) return openCluster(IN_MEMORY);
  const folder = await prepareFolder(dataDir);
  const giveUpAt = Date.now() + START_PATIENCE_MS;
  for (;;) {
    const lock = await lockSocket(folder.socketPath);
    if (lock) return openHeld(folder, lock);
    const database = await openShared(folder, giveUpAt);
    if (database) return database;
  }
}

async function openHeld(folder: DatabaseFolder, lock: SocketLock): Promise<Database> {
  try {
    return await openCluster(folder.pgdata, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openCluster(dataDir: string, lock?: SocketLock): Promise<Database> {
  const cluster = await Cluster.open(dataDir);
  lock?.onConnection(serveConnections(cluster));
  return databaseOf(async () => (await cluster.running()).db, {
    concurrency: 1,
    // The folder is given back last: nobody may open it while its files are in use.
    close: async () => {
      await cluster.close();
      await lock?.release();
    },
  });
}

/** Connects to the process that holds the folder. Undefined when it has not answered: it may have ended. */
async function openShared(folder: DatabaseFolder, giveUpAt: number): Promise<Database | undefined> {
  const database = openPool(
    { host: folder.socketFolder, port: 5432, user: 'postgres', database: 'postgres', max: MAX_CONNECTIONS },
    1,
  );
  try {
    await database.rows(sql`select`);
    return database;
  } catch (error) {
    await database.close();
    if (!(error instanceof StoreUnavailableError) || Date.now() > giveUpAt) throw error;
    await sleep(100);
    return undefined;
  }
}
