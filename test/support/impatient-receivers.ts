import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/**
 * A thread of its own, so that its sockets close at any moment of the sender's event loop. Each server answers a request, then
 * says that it will close the connection, and does so within the next millisecond without looking for another request.
 */
const RECEIVERS = `
  const { createServer } = require('node:http');
  const { parentPort, workerData } = require('node:worker_threads');
  const standing = new Int32Array(new SharedArrayBuffer(4));
  const close = (port, socket) => {
    parentPort.postMessage({ closing: port });
    Atomics.wait(standing, 0, 0, Math.random());
    socket.destroy();
  };
  const start = () => new Promise((resolve) => {
    const server = createServer((request, response) => {
      const { socket } = request;
      const { port } = server.address();
      response.on('finish', () => setImmediate(close, port, socket));
      // Without this, Node.js would say for how long it keeps the connection.
      request.resume().on('end', () => response.setHeader('connection', 'keep-alive').end());
    });
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
  Promise.all(Array.from({ length: workerData }, start)).then((ports) => parentPort.postMessage({ ports }));
`;

interface ThreadMessage {
  ports?: number[];
  closing?: number;
}

/** Webhook endpoints that answer 200 and close every connection soon afterwards, as it is idle then. */
export class ImpatientReceivers implements AsyncDisposable {
  readonly ports: readonly number[];
  readonly #thread: Worker;
  readonly #waiting = new Map<number, () => void>();

  private constructor(ports: readonly number[], thread: Worker) {
    this.ports = ports;
    this.#thread = thread;
    thread.on('message', ({ closing }: ThreadMessage) => {
      if (closing !== undefined) this.#waiting.get(closing)?.();
    });
  }

  static async start(count: number): Promise<ImpatientReceivers> {
    const thread = new Worker(RECEIVERS, { eval: true, workerData: count });
    const [{ ports = [] }] = (await once(thread, 'message')) as [ThreadMessage];
    return new ImpatientReceivers(ports, thread);
  }

  /** Resolves when the receiver on this port is about to close a connection. */
  closing(port: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(port, resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate();
  }
}
