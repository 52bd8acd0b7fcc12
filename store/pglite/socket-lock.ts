import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { lstat, rename, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A path that this process listens on, and so owns. Connections wait until somebody takes them. */
export interface SocketLock {
  onConnection(serve: (socket: Socket) => void): void;
  /** Closes what is connected and gives the path back. */
  release(): Promise<void>;
}

/** Between `bind` and `listen` a live socket refuses connections too, for some microseconds. */
const REFUSED_TWICE_AFTER_MS = 100;

/**
 * Takes the path, unless a live process listens on it: then undefined. The kernel makes taking it exclusive; a socket that a
 * killed process left behind refuses connections and is replaced.
 */
export async function lockSocket(path: string): Promise<SocketLock | undefined> {
  for (;;) {
    const lock = await listen(path);
    if (lock) return lock;
    if (await isAnswered(path)) return undefined;
    const stale = await identify(path);
    await sleep(REFUSED_TWICE_AFTER_MS);
    if (await isAnswered(path)) return undefined;
    if (stale !== undefined) await remove(path, stale);
  }
}

async function listen(path: string): Promise<SocketLock | undefined> {
  const sockets = new Set<Socket>();
  const waiting: Socket[] = [];
  let serve: (socket: Socket) => void = (socket) => waiting.push(socket);
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  try {
    server.listen(path);
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
  return {
    onConnection: (listener) => {
      serve = listener;
      for (const socket of waiting.splice(0)) if (!socket.destroyed) listener(socket);
    },
    release: () => close(server, sockets),
  };
}

function close(server: Server, sockets: Iterable<Socket>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    for (const socket of sockets) socket.destroy();
  });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else if (error.code === 'EAGAIN')
        resolve(true); // its backlog is full
      else reject(error);
    });
  });
}

/** Which file is at the path; undefined when none is. */
async function identify(path: string): Promise<string | undefined> {
  try {
    const { ino, birthtimeMs } = await lstat(path);
    return `${ino} ${birthtimeMs}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Removes that very file: two processes may have found it stale, and the other may have put its own in its place already. */
async function remove(path: string, identity: string): Promise<void> {
  if ((await identify(path)) !== identity) return;
  const aside = `${path}.${randomUUID().slice(0, 4)}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await identify(aside)) === identity) await unlink(aside);
  else await rename(aside, path);
}
