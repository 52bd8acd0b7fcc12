import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { answer, type Behaviour } from './behaviours.js';
import type { Certificate } from './certificates.js';

/** A request whose body has arrived whole. */
export class ReceivedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Empty when the receiver was told not to keep bodies. */
  readonly body: Buffer;
  /** Milliseconds since the epoch, when the body had arrived. */
  readonly receivedAt = Date.now();
  readonly socket: Socket;
  readonly webhookId: string | undefined;
  readonly callId: string | undefined;
  /** How often this `webhook-id` has been seen, this time included. */
  readonly seen: number;
  /** The status that was sent, once the whole response had been handed to the operating system. */
  answered: number | undefined;

  constructor(message: IncomingMessage, body: Buffer, keepBody: boolean, countOf: (webhookId: string) => number) {
    this.method = message.method ?? '';
    this.path = message.url ?? '';
    this.headers = message.headers;
    this.socket = message.socket;
    this.body = keepBody ? body : Buffer.alloc(0);
    this.webhookId = message.headers['webhook-id']?.toString();
    this.callId = callIdOf(body);
    this.seen = this.webhookId === undefined ? 1 : countOf(this.webhookId);
  }

  json(): unknown {
    return JSON.parse(this.body.toString());
  }
}

function callIdOf(body: Buffer): string | undefined {
  try {
    const { call_id } = JSON.parse(body.toString());
    return typeof call_id === 'string' ? call_id : undefined;
  } catch {
    return undefined; // A receiver is also sent what is no call.
  }
}

export interface ReceiverOptions {
  /** What it does with a request. Default: 200 at once. */
  behaviour?: Behaviour;
  /** Serve TLS with this certificate. */
  certificate?: Certificate;
  /** Default true; false saves memory where thousands of requests come in. */
  keepBodies?: boolean;
  /** Address to listen at. Default 127.0.0.1. */
  host?: string;
  /** Default 0, which means: any free port. */
  port?: number;
  /** Milliseconds for which an idle connection is kept open. Default 5,000, as Node.js has it. */
  keepAliveTimeoutMs?: number;
}

/**
 * A webhook endpoint on a real port of this machine. It writes down every request and answers as told; `behaviour` may be changed
 * at any time. `await using receiver = await Receiver.start()` closes it at the end of the scope.
 */
export class Receiver implements AsyncDisposable {
  behaviour: Behaviour;
  /** In order of arrival. */
  readonly requests: ReceivedRequest[] = [];
  inFlight = 0;
  maxInFlight = 0;
  /** Connections accepted. */
  connections = 0;
  readonly #options: ReceiverOptions;
  readonly #counts = new Map<string, number>();
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port: number;

  private constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#port = options.port ?? 0;
    this.behaviour = options.behaviour ?? answer(200);
  }

  static async start(options: ReceiverOptions = {}): Promise<Receiver> {
    const receiver = new Receiver(options);
    await receiver.listen();
    return receiver;
  }

  get port(): number {
    return this.#port;
  }

  /** Its URL by address; `urlFor` has it by another host name. */
  get url(): string {
    return this.urlFor('127.0.0.1');
  }

  urlFor(host: string, path = '/hook'): string {
    return `${this.#options.certificate ? 'https' : 'http'}://${host}:${this.#port}${path}`;
  }

  /** The requests of one call, oldest first. */
  requestsOf(callId: string): ReceivedRequest[] {
    return this.requests.filter((request) => request.callId === callId);
  }

  /** Forgets what has been received. */
  clear(): void {
    this.requests.length = 0;
    this.#counts.clear();
    this.maxInFlight = this.inFlight;
    this.connections = 0;
  }

  /** Listens again after `close`, on the same port. */
  async listen(): Promise<void> {
    if (this.#server) return;
    const { certificate, keepAliveTimeoutMs } = this.#options;
    const options = keepAliveTimeoutMs === undefined ? {} : { keepAliveTimeout: keepAliveTimeoutMs };
    const server = certificate ? createTlsServer({ ...options, ...certificate }) : createServer(options);
    server.on('connection', (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('request', (message, response) => this.#receive(message, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, this.#options.host ?? '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Drops every connection; new ones are refused until `listen`. */
  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    // `closeAllConnections` leaves those alone that have not sent a request yet.
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Connections that are open now. */
  get openConnections(): number {
    return this.#sockets.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #receive(message: IncomingMessage, response: ServerResponse): void {
    this.inFlight += 1;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    response.on('close', () => {
      this.inFlight -= 1;
    });
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const body = Buffer.concat(chunks);
      const request = new ReceivedRequest(message, body, this.#options.keepBodies ?? true, (id) => this.#count(id));
      response.on('finish', () => {
        request.answered = response.statusCode;
      });
      this.requests.push(request);
      this.behaviour(request, response);
    });
  }

  #count(webhookId: string): number {
    const count = (this.#counts.get(webhookId) ?? 0) + 1;
    this.#counts.set(webhookId, count);
    return count;
  }
}
