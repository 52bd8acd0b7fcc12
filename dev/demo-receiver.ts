import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { freePort } from '../contract/free-port.js';

/**
 * A webhook endpoint on this machine that is down at first: connections to it are refused until {@link listen}. Then it answers
 * 200 to what its secret has signed, and remembers the bytes.
 */
export class DemoReceiver implements AsyncDisposable {
  readonly url: string;
  /** The bodies that arrived, by `webhook-id`, in order of arrival. */
  readonly bodies = new Map<string, Buffer[]>();
  /** Requests whose signature was wrong. */
  unsigned = 0;
  readonly #port: number;
  readonly #webhook: Webhook;
  readonly #server: Server;

  static async create(secret: string): Promise<DemoReceiver> {
    return new DemoReceiver(await freePort(), secret);
  }

  private constructor(port: number, secret: string) {
    this.#port = port;
    this.url = `http://127.0.0.1:${port}/hooks/calls`;
    this.#webhook = new Webhook(secret);
    this.#server = createServer((request, response) => {
      this.#receive(request, response).catch((error: Error) => response.destroy(error));
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const headers = request.headers as Record<string, string>;
    if (!this.#isSigned(body, headers)) {
      this.unsigned += 1;
      response.writeHead(401).end();
      return;
    }
    const id = headers['webhook-id'] ?? '';
    this.bodies.set(id, [...(this.bodies.get(id) ?? []), body]);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"received":true}');
  }

  #isSigned(body: Buffer, headers: Record<string, string>): boolean {
    try {
      this.#webhook.verify(body, headers);
      return true;
    } catch {
      // The library's only way to say no.
      return false;
    }
  }
}
