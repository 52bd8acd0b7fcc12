import { Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import { seedApiKeys, startApi } from '../api/index.js';
import { PostcallClient } from '../client/index.js';
import type { Config, TemporalConfig } from '../config/index.js';
import { openStore, type Store } from '../store/index.js';
import { type RunningWorker, startWorker } from '../worker/index.js';
import { requireFreePorts } from './free-port.js';
import { StackError } from './stack-error.js';
import { Teardown } from './teardown.js';
import { findTemporalCli } from './temporal-cli.js';
import { startTemporalServer, type TemporalServer, temporalPorts } from './temporal-server.js';

export interface StackOptions {
  config: Config;
  logger: Logger;
  /** Whether to serve the HTTP API. Default true. */
  api?: boolean;
  /** Told what takes long. */
  onProgress?: (line: string) => void;
  /** Aborting it before the stack has started stops what has, and rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Everything that delivers webhooks, in this process and one below it. */
export interface Stack extends AsyncDisposable {
  /** The HTTP API; undefined without one. */
  readonly apiUrl: string | undefined;
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
 * Starts the stack on this machine: the Temporal dev server (unless an address is configured), the store, a worker, a client and
 * the HTTP API.
 * The process's Temporal runtime must have been installed.
 * @throws {StackError} when a port is taken, or the Temporal server cannot start.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { logger, api = true, signal } = options;
  const teardown = new Teardown();
  /** Starts one part; it is stopped before those that had started already. */
  const start = async <T>(part: Promise<T>, stop: (part: T) => Promise<unknown>): Promise<T> => {
    const started = await part;
    teardown.add(() => stop(started));
    signal?.throwIfAborted();
    return started;
  };

  try {
    const { http, embedded } = options.config;
    // All at once, so that whoever starts a second stack hears of every port and not of one at each try.
    await requireFreePorts([
      ...(api ? [{ ...http, what: 'API', variable: 'PORT' }] : []),
      ...(embedded.used ? temporalPorts(embedded.port, embedded.uiPort) : []),
    ]);
    const server = embedded.used ? await start(startEmbedded(options), (running) => running.stop()) : undefined;
    const temporal = temporalOf(options.config, server);
    const config = { ...options.config, temporal };
    const store = await start(openStore(config), (opened) => opened.close());
    const worker = await start(startWorker({ config, store, logger }), (running) => running.stop());
    const connection = await start(Connection.connect(temporal.connectionOptions), (opened) => opened.close());
    await seedApiKeys(store, config.apiKeys);
    const served = api ? await start(startApi({ config, store, logger }), (running) => running.stop()) : undefined;

    let stopped: Promise<void> | undefined;
    const stop = () => {
      stopped ??= teardown.run();
      return stopped;
    };
    return {
      apiUrl: served?.url,
      temporalAddress: temporal.connectionOptions.address ?? '',
      uiUrl: server?.uiUrl,
      store,
      client: new PostcallClient({ connection, namespace: temporal.namespace, taskQueue: config.taskQueue }),
      failed: firstFailure(worker, server),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

const temporalOf = ({ temporal }: Config, server: TemporalServer | undefined): TemporalConfig =>
  server ? { ...temporal, connectionOptions: { address: server.address } } : temporal;

async function startEmbedded({ config, onProgress, signal }: StackOptions): Promise<TemporalServer> {
  const { cliPath, port, uiPort } = config.embedded;
  const cancellation = signal ? { signal } : {};
  return startTemporalServer({
    cliPath: await findTemporalCli({ cliPath, ...(onProgress ? { onProgress } : {}), ...cancellation }),
    dataDir: config.dataDir,
    // 0 means any free one.
    ...(port > 0 ? { port } : {}),
    ...(uiPort > 0 ? { uiPort } : {}),
    ...cancellation,
  });
}

/** The first end of a part. Once the stack is being stopped, an end is no failure, and nobody asks any more. */
function firstFailure(worker: RunningWorker, server: TemporalServer | undefined): Promise<Error> {
  const workerEnd = worker.stopped.then(
    () => new Error('The worker has stopped by itself'),
    (error: Error) => new Error('The worker has failed', { cause: error }),
  );
  if (!server) return workerEnd;
  const serverEnd = server.exited.then(
    ({ code, signal }) =>
      new StackError('TEMPORAL_SERVER_FAILED', `The Temporal server has ended (${signal ?? code}).`),
  );
  return Promise.race([workerEnd, serverEnd]);
}
