import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { link, readdir, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

export interface FolderLock {
  release(): Promise<void>;
}

interface Listener {
  server: Server;
  path: string;
}

const LOCK = /^\.lock\.(\d+)$/;

/**
 * Locks a folder among the processes of this machine; undefined when a live process holds it. Node has no `flock`, but a Unix
 * socket tells the living from the dead: it refuses connections once its process has ended, however that was.
 *
 * Locks are numbered, and the highest number holds. A dead socket is never replaced, which would be a race: it is followed by the next
 * number, and only one process can take that name. The highest one always stays, so that numbers only grow.
 */
export async function lockFolder(folder: string): Promise<FolderLock | undefined> {
  const listener = await listen(folder);
  let isHolder = false;
  try {
    isHolder = await takeHighest(folder, listener.path);
  } finally {
    if (!isHolder) await close(listener);
  }
  return isHolder ? { release: () => close(listener) } : undefined;
}

/** False when a live process has the highest number. */
async function takeHighest(folder: string, listener: string): Promise<boolean> {
  for (;;) {
    const highest = Math.max(0, ...(await numbers(folder)));
    if (await isAlive(lockPath(folder, highest))) return false;
    const own = highest + 1;
    if (!(await takeName(listener, lockPath(folder, own)))) continue;
    const all = await numbers(folder);
    if (all.some((number) => number > own)) {
      // Others took this number and the next, and removed this one, since we looked.
      await removeIfThere(lockPath(folder, own));
      continue;
    }
    await Promise.all(all.filter((number) => number < own).map((number) => removeIfThere(lockPath(folder, number))));
    await removeIfThere(listener);
    return true;
  }
}

const lockPath = (folder: string, number: number): string => join(folder, `.lock.${number}`);

async function numbers(folder: string): Promise<number[]> {
  return (await readdir(folder)).flatMap((name) => LOCK.exec(name)?.[1] ?? []).map(Number);
}

/** Listens before it takes a lock's name, so that no live lock ever refuses a connection. */
async function listen(folder: string): Promise<Listener> {
  const path = join(folder, `.l${randomBytes(4).toString('hex')}`);
  const server = createServer((socket) => socket.destroy());
  server.listen(path);
  await once(server, 'listening');
  return { server, path };
}

/** Removes the name under which it began to listen, not that of a lock. */
async function close({ server }: Listener): Promise<void> {
  server.close();
  await once(server, 'close');
}

/** False when the name is taken. */
async function takeName(from: string, name: string): Promise<boolean> {
  try {
    await link(from, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Codes of a socket whose process has ended, or is closing it. */
const DEAD = ['ECONNREFUSED', 'ECONNRESET', 'ENOENT'];
/** The code of one that has more connections waiting than it can hold. */
const BUSY = 'EAGAIN';

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (DEAD.includes(error.code ?? '')) resolve(false);
      else if (error.code === BUSY) resolve(true);
      else reject(error);
    });
  });
}

export async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
