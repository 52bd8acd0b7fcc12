import { Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import { PostcallClient } from '../client/index.js';
import { openStore, type Store } from '../store/index.js';
import { type Config, type RunningWorker, startWorker } from '../worker/index.js';
import { Teardown } from './teardown.js';
import { findTemporalCli } from './temporal-cli.js';
import { startTemporalServer, type TemporalServer } from './temporal-server.js';

export interface StackOptions {
  config: Config;
  logger: Logger;
  /** Told what takes long. */
  onProgress?: (line: string) => void;
  /** Aborting it before the stack has started stops what has, and rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Everything that delivers webhooks, in this process and one below it. */
export interface Stack extends AsyncDisposable {
  /** `host:port` of the Temporal server, embedded or not. */
  readonly temporalAddress: string;
  /** The Temporal Web UI; undefined when the server is not the embedded one. */
  readonly uiUrl: string | undefined;
  readonly store: Store;
  readonly client: PostcallClient;
  /** Resolves to what happened when a part ended that nobody stopped. */
  readonly failed: Promise<Error>;
  /** Stops the parts in reverse order of their start: attempts in flight finish and are recorded. Safe to repeat. */
  stop(): Promise<void>;
}

/**
 * Starts the stack on this machine: the Temporal dev server (unless an address is configured), the store, a worker and a client.
 * The process's Temporal runtime must have been installed.
 * @throws {StackError} when the Temporal server cannot start.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { config, logger, signal } = options;
  const teardown = new Teardown();
  /** Starts one part, whose stop comes before those of all that have started. */
  const start = async <T>(part: Promise<T>, stop: (part: T) => Promise<unknown>): Promise<T> => {
    const started = await part;
    teardown.add(() => stop(started));
    signal?.throwIfAborted();
    return started;
  };

  try {
    const temporal = config.embedded.used ? await start(startEmbedded(options), (server) => server.stop()) : undefined;
    const store = await start(openStore(storeOptions(config)), (opened) => opened.close());
    const worker = await start(startWorker({ config, store, logger }), (running) => running.stop());
    const connection = await start(Connection.connect(config.temporal.connectionOptions), (opened) => opened.close());
    const { namespace } = config.temporal;

    let stopped: Promise<void> | undefined;
    const stop = () => {
      stopped ??= teardown.run();
      return stopped;
    };
    return {
      temporalAddress: temporal?.address ?? config.temporal.connectionOptions.address ?? '',
      uiUrl: temporal?.uiUrl,
      store,
      client: new PostcallClient({ connection, namespace, taskQueue: config.taskQueue }),
      failed: firstFailure(worker, temporal),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

const storeOptions = ({ databaseUrl, dataDir }: Config) => (databaseUrl === undefined ? { dataDir } : { databaseUrl });

async function startEmbedded({ config, onProgress, signal }: StackOptions): Promise<TemporalServer> {
  const { cliPath, port, uiPort } = config.embedded;
  const cancellation = signal ? { signal } : {};
  return startTemporalServer({
    cliPath: await findTemporalCli({ cliPath, ...(onProgress ? { onProgress } : {}), ...cancellation }),
    dataDir: config.dataDir,
    port,
    uiPort,
    ...cancellation,
  });
}

/** The first end of a part. Once the stack is being stopped, an end is no failure, and nobody asks any more. */
function firstFailure(worker: RunningWorker, temporal: TemporalServer | undefined): Promise<Error> {
  const parts = [
    worker.stopped.then(
      () => new Error('The worker has stopped.'),
      (error: Error) => new Error(`The worker has failed: ${error.message}`, { cause: error }),
    ),
  ];
  if (temporal) {
    parts.push(
      temporal.exited.then(({ code, signal }) => new Error(`The Temporal server has ended with ${signal ?? code}.`)),
    );
  }
  return Promise.race(parts);
}
