import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { removeIfThere } from './folder-lock.js';

/** A socket that listens already before its connections can be served. */
export interface ServerSocket {
  /** Serves the connections that wait, and those to come. */
  serve(connection: (socket: Socket) => void): void;
  /** Ends all connections and removes the socket. */
  close(): Promise<void>;
}

/** Listens at the path, in place of what a process that was killed may have left there. The folder must be locked. */
export async function listenAt(path: string): Promise<ServerSocket> {
  const sockets = new Set<Socket>();
  const waiting: Socket[] = [];
  let serve: (socket: Socket) => void = (socket) => waiting.push(socket);
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  await removeIfThere(path);
  server.listen(path);
  await once(server, 'listening');
  return {
    serve: (connection) => {
      serve = connection;
      for (const socket of waiting.splice(0)) if (!socket.destroyed) connection(socket);
    },
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
