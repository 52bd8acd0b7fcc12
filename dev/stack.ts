import { Client, Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import { seedApiKeys, startApi } from '../api/index.js';
import { PostcallClient, RECONNECT_ARGS } from '../client/index.js';
import { type Config, loadPayloadCodecs, type TemporalConfig } from '../config/index.js';
import { freePort } from '../contract/free-port.js';
import { openStore, type Store } from '../store/index.js';
import type { ProcessMetrics, Tracing } from '../telemetry/index.js';
import { requireFreePorts } from './required-ports.js';
import { type AskedServer, temporalServerPart, workerPart } from './supervised-parts.js';
import { Supervisor } from './supervisor.js';
import { Teardown } from './teardown.js';
import { findTemporalCli } from './temporal-cli.js';
import { type TemporalServer, temporalPorts } from './temporal-server.js';

export interface StackOptions {
  config: Config;
  logger: Logger;
  /** What the API serves at `/metrics`. */
  metrics?: ProcessMetrics;
  /** Spans of worker and API. */
  tracing?: Tracing;
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
  /** Resolves to what happened when a part does not work, and starting it again has not helped. */
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
  const { logger, api = true, metrics, tracing, signal } = options;
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
    // All at once: a second stack is told of every port, and not of one at each try.
    await requireFreePorts([
      ...(api ? [{ ...http, what: 'API', variable: 'PORT' }] : []),
      ...(embedded.used ? temporalPorts(embedded.port, embedded.uiPort) : []),
    ]);
    const payloadCodecs = await loadPayloadCodecs(options.config.codecModule);
    const embeddedServer = embedded.used ? await start(startEmbedded(options), stopServer) : undefined;
    const server = embeddedServer?.part?.server;
    const temporal = temporalOf(options.config, server);
    // The API's server serves the metrics of the worker too.
    const config = {
      ...options.config,
      temporal,
      ...(api && { metrics: { ...options.config.metrics, port: undefined } }),
    };
    const observed = { ...(metrics && { metrics }), ...(tracing && { tracing }) };
    const store = await start(openStore(config), (opened) => opened.close());
    const connection = await start(
      Connection.connect({ ...temporal.connectionOptions, channelArgs: RECONNECT_ARGS }),
      (opened) => opened.close(),
    );
    const worker = await start(
      Supervisor.start(
        workerPart({ config, store, logger, payloadCodecs, ...observed }, () => embeddedServer?.part?.connection),
        { logger },
      ),
      async (supervisor) => (await supervisor.release())?.stop(),
    );
    await seedApiKeys(store, config.apiKeys);
    const served = api
      ? await start(startApi({ config, store, logger, payloadCodecs, ...observed }), (running) => running.stop())
      : undefined;

    const client = new Client({ connection, namespace: temporal.namespace, dataConverter: { payloadCodecs } });
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
      client: new PostcallClient({ client, taskQueue: config.taskQueue, searchAttributes: config.searchAttributes }),
      failed: Promise.race([worker.failed, ...(embeddedServer ? [embeddedServer.failed] : [])]),
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

async function startEmbedded({ config, logger, onProgress, signal }: StackOptions): Promise<Supervisor<AskedServer>> {
  const { cliPath, port, uiPort } = config.embedded;
  const part = temporalServerPart({
    cliPath: await findTemporalCli({ cliPath, ...(onProgress && { onProgress }), ...(signal && { signal }) }),
    dataDir: config.dataDir,
    // 0 means any free one; started again, it is where it was.
    port: port || (await freePort()),
    uiPort: uiPort || (await freePort()),
  });
  return Supervisor.start(part, { logger }, signal);
}

async function stopServer(supervisor: Supervisor<AskedServer>): Promise<void> {
  const asked = await supervisor.release();
  await asked?.server.stop();
  await asked?.connection.close();
}
