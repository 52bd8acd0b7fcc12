import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

/** A thread that listens, and then stands still until the flag is set: the system takes in two connections for it, no more. */
const LISTENER = `
  const { createServer } = require('node:http');
  const { parentPort, workerData } = require('node:worker_threads');
  const server = createServer((request, response) => request.resume().on('end', () => response.end()));
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(workerData, 0, 0);
    Atomics.wait(workerData, 1, 0, 200);
  });
`;

/**
 * A webhook endpoint on 127.0.0.1 that answers 200, to which a connection takes a second: its backlog is full, so the first SYN
 * is dropped, and the system sends the second one after 1 s (RFC 6298 section 2).
 */
export class BusyListener implements AsyncDisposable {
  readonly port: number;
  readonly #thread: Worker;
  readonly #standing: Int32Array;
  readonly #fillers: Socket[];

  private constructor(port: number, thread: Worker, standing: Int32Array, fillers: Socket[]) {
    this.port = port;
    this.#thread = thread;
    this.#standing = standing;
    this.#fillers = fillers;
  }

  static async start(): Promise<BusyListener> {
    const standing = new Int32Array(new SharedArrayBuffer(8));
    const thread = new Worker(LISTENER, { eval: true, workerData: standing });
    const [port] = (await once(thread, 'message')) as [number];
    const fillers = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    await Promise.all(fillers.map((socket) => once(socket, 'connect')));
    return new BusyListener(port, thread, standing, fillers);
  }

  /** Takes connections, but not at once: one that is being made now is taken at its next SYN. */
  acceptConnections(): void {
    Atomics.store(this.#standing, 0, 1);
    Atomics.notify(this.#standing, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.acceptConnections();
    for (const socket of this.#fillers) socket.destroy();
    await this.#thread.terminate();
  }
}
