import { type buildConnector, Client, type Dispatcher } from 'undici';
import { TrackedConnection } from './tracked-connection.js';

/** A request that wants to know its connection. */
export interface TrackedRequest extends Dispatcher.DispatchOptions {
  /** Called when a client has taken the request, which may be before that client is connected. */
  onClient(client: TrackedClient): void;
}

/** One of a pool's clients. It has at most one connection at a time, and lets its requests look at it. */
export class TrackedClient extends Client {
  readonly #current: { connection?: TrackedConnection };

  constructor(origin: string | URL, options: Client.Options & { connect: buildConnector.connector }) {
    const current: { connection?: TrackedConnection } = {};
    const connect: buildConnector.connector = (target, callback) =>
      options.connect(target, (...result) => {
        const [, socket] = result;
        if (socket) current.connection = new TrackedConnection(socket);
        callback(...result);
      });
    super(origin, { ...options, connect });
    this.#current = current;
  }

  /** The present connection, or the last one. */
  get connection(): TrackedConnection | undefined {
    return this.#current.connection;
  }

  override dispatch(request: TrackedRequest, handler: Dispatcher.DispatchHandler): boolean {
    request.onClient(this);
    return super.dispatch(request, handler);
  }
}
