import type { Socket } from 'node:net';
import plugin from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyInstance {
    /** True from `drain()` on: no new traffic is wanted, and `/readyz` says so. */
    draining: boolean;
    /** Turns `/readyz` to 503, while requests go on being answered. `close()` does it too. */
    drain(): void;
  }
}

export interface GracefulEndOptions {
  /** Cuts short what waits. */
  endWaits: () => void;
  /** Milliseconds for requests that are under way, at most: a closing Node.js server looks at none of its own limits any more. */
  patienceMs: number;
}

/**
 * Shuts down without losing an answer, and no client can hold it up: a connection is closed after its answer, or at once where none is due.
 */
export const gracefulEnd = plugin<GracefulEndOptions>(
  async (app, { endWaits, patienceMs }) => {
    app.decorate('draining', false);
    app.decorate('drain', () => {
      app.draining = true;
    });
    const unused = new UnusedConnections(app.server);
    app.addHook('preClose', async () => {
      app.drain();
      endWaits();
      unused.close();
      const giveUp = setTimeout(() => app.server.closeAllConnections(), patienceMs).unref();
      app.server.once('close', () => clearTimeout(giveUp));
    });
    // A kept-alive connection would hold the shutdown up until it times out.
    app.addHook('onSend', async (_request, reply) => {
      if (app.draining) reply.header('connection', 'close');
    });
  },
  { name: 'graceful-end' },
);

/**
 * Connections without a whole request so far. Node.js closes those that are idle, but takes one for idle only after its first request;
 * browsers and proxies open some in advance.
 */
class UnusedConnections {
  readonly #sockets = new Set<Socket>();
  #isClosed = false;

  constructor(server: NodeJS.EventEmitter) {
    server.on('connection', (socket: Socket) => this.#opened(socket));
    server.on('request', ({ socket }: { socket: Socket }) => this.#sockets.delete(socket));
  }

  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #opened(socket: Socket): void {
    if (this.#isClosed) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
