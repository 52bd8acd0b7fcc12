import type { Socket } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketHandler, type PGLiteSocketHandlerOptions } from '@electric-sql/pglite-socket';
import type { Cluster } from './cluster.js';

type QueryQueue = PGLiteSocketHandlerOptions['queryQueue'];

const type = (letter: string): number => letter.charCodeAt(0);
const SYNC = type('S');
const QUERY = type('Q');
/** The first byte of a startup packet, which has no type, is the highest one of its length. */
const STARTUP = 0;

/**
 * Runs the messages of one statement (Parse, Bind, Describe, Execute, Sync) in one go. PGlite has a single session. The queue of
 * `PGLiteSocketServer` runs message by message: another statement may come between a Parse and its Bind, and get the parameters.
 */
class StatementQueue {
  readonly #cluster: Cluster;
  readonly #messages = new Map<number, Uint8Array[]>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async enqueue(connection: number, message: Uint8Array, onData: (data: Uint8Array) => void): Promise<number> {
    const messages = [...(this.#messages.get(connection) ?? []), message];
    if (![SYNC, QUERY, STARTUP].includes(message[0] ?? STARTUP)) {
      this.#messages.set(connection, messages);
      return 0;
    }
    this.#messages.delete(connection);
    const { client } = await this.#cluster.running();
    const answer = await client.runExclusive(() => answerTo(client, Buffer.concat(messages)));
    onData(answer);
    return answer.length;
  }

  clearQueueForHandler(connection: number): void {
    this.#messages.delete(connection);
  }

  async clearTransactionIfNeeded(): Promise<void> {}

  getQueueLength(): number {
    return 0;
  }
}

/** A transaction would stay open in the shared session: it is undone, and refused. */
async function answerTo(client: PGlite, statement: Uint8Array): Promise<Uint8Array> {
  const answer: Uint8Array[] = [];
  await client.execProtocolRawStream(statement, { onRawData: (data) => answer.push(data.slice()) });
  if (!client.isInTransaction()) return Buffer.concat(answer);
  await client.execProtocolRawStream(message('Q', 'ROLLBACK\0'), { onRawData: () => undefined });
  return TRANSACTION_REFUSED;
}

/** One message of PostgreSQL's protocol, version 3. */
function message(letter: string, body: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + Buffer.byteLength(body));
  return Buffer.concat([Buffer.from(letter), length, Buffer.from(body)]);
}

const TRANSACTION_REFUSED = Buffer.concat([
  message('E', 'SERROR\0VERROR\0C0A000\0Mthe embedded database runs single statements, not transaction blocks\0\0'),
  message('Z', 'I'),
]);

/** Serves PostgreSQL's protocol, for single statements, on connections to an embedded cluster. */
export function serveConnections(cluster: Cluster): (socket: Socket) => void {
  // The library's class has private fields, which no other class can have; the handler calls only these four methods.
  const queryQueue = new StatementQueue(cluster) as unknown as QueryQueue;
  return (socket) => void new PGLiteSocketHandler({ queryQueue, closeOnDetach: true }).attach(socket);
}
