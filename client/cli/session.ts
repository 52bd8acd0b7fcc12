import type { Connection } from '@temporalio/client';
import type { Config } from '../../config/config.js';
import { loadPayloadCodecs } from '../../config/payload-codecs.js';
import type { Store } from '../../store/store.js';
import type { PostcallClient } from '../postcall-client.js';
import type { ExitCode } from './exit-codes.js';
import type { Output } from './output.js';

/** What a command works with. Client and store are loaded when a command uses them: each takes a noticeable part of a second. */
export class Session {
  /** What the process will exit with if no error is thrown. */
  exitCode: ExitCode = 0;

  constructor(
    readonly config: Config,
    readonly output: Output,
    readonly stdin: NodeJS.ReadableStream,
  ) {}

  /** Runs what Ctrl-C ends with an `AbortError`; outside of it, Ctrl-C ends the process. */
  async interruptible<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const abort = () => controller.abort();
    process.once('SIGINT', abort);
    try {
      return await run(controller.signal);
    } finally {
      process.off('SIGINT', abort);
    }
  }

  async withClient<T>(use: (client: PostcallClient) => Promise<T>): Promise<T> {
    const { PostcallClient } = await import('../postcall-client.js');
    const { taskQueue, searchAttributes, temporal, codecModule } = this.config;
    const payloadCodecs = await loadPayloadCodecs(codecModule);
    const { address = '' } = temporal.connectionOptions;
    // Not closed: the process ends with the command, and closing would wait for an unreachable service's retries.
    const { namespace } = temporal;
    return use(await PostcallClient.connect({ taskQueue, searchAttributes, address, namespace, payloadCodecs }));
  }

  /** The workflow service itself, for requests that no client makes. */
  async withTemporal<T>(use: (connection: Connection, namespace: string) => Promise<T>): Promise<T> {
    const { openConnection } = await import('../connect.js');
    const { connectionOptions, namespace } = this.config.temporal;
    const opened = await openConnection({ address: connectionOptions.address ?? '', namespace });
    return use(opened.connection, opened.namespace);
  }

  async withStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
    const { openStore } = await import('../../store/index.js');
    const store = await openStore(this.config);
    try {
      return await use(store);
    } finally {
      await store.close();
    }
  }
}
