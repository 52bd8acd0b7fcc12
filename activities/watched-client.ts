import { type buildConnector, Client, type Dispatcher } from 'undici';
import { WatchedConnection } from './watched-connection.js';

/** A request that wants to know its connection. */
export interface WatchedRequest extends Dispatcher.DispatchOptions {
  /** Called when a client has taken the request, which may be before that client is connected. */
  onClient(client: WatchedClient): void;
}

/** One of a pool's clients. It has at most one connection at a time, and lets its requests look at it. */
export class WatchedClient extends Client {
  readonly #current: { connection?: WatchedConnection };

  constructor(origin: string | URL, options: Client.Options & { connect: buildConnector.connector }) {
    const current: { connection?: WatchedConnection } = {};
    const connect: buildConnector.connector = (target, callback) =>
      options.connect(target, (...result) => {
        const [, socket] = result;
        if (socket) current.connection = new WatchedConnection(socket);
        callback(...result);
      });
    super(origin, { ...options, connect });
    this.#current = current;
  }

  /** The present connection, or the last one. */
  get connection(): WatchedConnection | undefined {
    return this.#current.connection;
  }

  override dispatch(request: WatchedRequest, handler: Dispatcher.DispatchHandler): boolean {
    request.onClient(this);
    return super.dispatch(request, handler);
  }
}
