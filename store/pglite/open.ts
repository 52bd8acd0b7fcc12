import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, databaseOf } from '../database.js';
import { StoreUnavailableError } from '../errors.js';
import { openPool } from '../postgres/pool.js';
import { PING } from '../statement.js';
import { Cluster } from './cluster.js';
import { type DatabaseFolder, prepareFolder } from './folder.js';
import { type FolderLock, lockFolder } from './folder-lock.js';
import { serveConnections } from './protocol-server.js';
import { listenAt, type ServerSocket } from './server-socket.js';

/** Another process may be creating the cluster and migrating it; its socket accepts connections that wait meanwhile. */
const START_PATIENCE_MS = 60_000;
/** Connections of another process to the one that holds the folder; more would only queue for its one session. */
const MAX_CONNECTIONS = 4;

/**
 * Opens the embedded database of a folder. The first process holds the folder and serves it on a socket; later ones connect to it there.
 * The cluster survives the death of its process at any moment. It does not sync its files to the disk: a power failure may damage it.
 */
export async function openPglite(dataDir: string): Promise<Database> {
  const folder = await prepareFolder(dataDir);
  const giveUpAt = Date.now() + START_PATIENCE_MS;
  for (;;) {
    const lock = await lockFolder(folder.socketFolder);
    const database = await (lock ? openHeld(folder, lock) : openShared(folder, giveUpAt));
    if (database) return database;
  }
}

async function openHeld(folder: DatabaseFolder, lock: FolderLock): Promise<Database> {
  let socket: ServerSocket | undefined;
  // The lock goes last: the folder must not be opened while its files are in use.
  const release = async () => {
    await socket?.close();
    await lock.release();
  };
  try {
    socket = await listenAt(folder.socketPath);
    const cluster = await Cluster.open(folder.pgdata);
    socket.serve(serveConnections(cluster));
    return clusterDatabase(cluster, release);
  } catch (error) {
    await release();
    throw error;
  }
}

const clusterDatabase = (cluster: Cluster, release: () => Promise<void>): Database =>
  databaseOf(async () => (await cluster.running()).driver, {
    concurrency: 1,
    close: async () => {
      await cluster.close();
      await release();
    },
  });

/** Connects to the process that holds the folder. Undefined when it has not answered: it may have ended. */
async function openShared(folder: DatabaseFolder, giveUpAt: number): Promise<Database | undefined> {
  const database = openPool(
    { host: folder.socketFolder, port: 5432, user: 'postgres', database: 'postgres', max: MAX_CONNECTIONS },
    { concurrency: 1, keepsPrepared: false },
  );
  try {
    await database.run(PING, []);
    return database;
  } catch (error) {
    await database.close();
    if (!(error instanceof StoreUnavailableError) || Date.now() > giveUpAt) throw error;
    await sleep(100);
    return undefined;
  }
}
