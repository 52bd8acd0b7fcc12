import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import type { Logger } from 'pino';
import { PostcallClient, RECONNECT_ARGS } from '../client/index.js';
import type { Config } from '../config/index.js';
import type { Store } from '../store/store.js';
import type { ProcessMetrics, Tracing } from '../telemetry/index.js';
import { createApi } from './server.js';

export interface StartApiOptions {
  config: Pick<Config, 'temporal' | 'taskQueue' | 'searchAttributes' | 'http' | 'tracing'>;
  /** Stays the caller's to close, after the API has stopped. */
  store: Store;
  logger: Logger;
  /** Encrypt or compress what goes to Temporal: the workers' ones. */
  payloadCodecs?: PayloadCodec[];
  /** What `/metrics` serves, the API's own metrics included. Default: its own, without the process's. */
  metrics?: ProcessMetrics;
  /** Spans of requests (`openTracing`). The caller closes it. Default: none. */
  tracing?: Tracing;
  /** Milliseconds from `/readyz` turning to 503 until no connection is accepted any more, for load balancers to notice. Default 0. */
  drainMs?: number;
}

export interface RunningApi {
  /** Where it listens, without a trailing slash. */
  readonly url: string;
  /** Answers what is in flight, and ends. Safe to repeat. */
  stop(): Promise<void>;
}

/**
 * Listens on the configured address. It starts without the workflow service too: until that answers, `/readyz` and requests that need it
 * are answered with 503. Rejects when the port is taken.
 */
export async function startApi(options: StartApiOptions): Promise<RunningApi> {
  const { config, store, logger, metrics, tracing, drainMs = 0, payloadCodecs = [] } = options;
  const { connectionOptions, namespace } = config.temporal;
  const connection = Connection.lazy({ ...connectionOptions, channelArgs: RECONNECT_ARGS });
  const temporal = new Client({
    connection,
    namespace,
    dataConverter: { payloadCodecs },
    interceptors: { workflow: tracing?.clientInterceptors ?? [] },
  });
  const client = new PostcallClient({
    client: temporal,
    taskQueue: config.taskQueue,
    searchAttributes: config.searchAttributes,
  });
  const app = createApi({
    client,
    store,
    logger,
    rateLimit: config.http.rateLimit,
    trustProxy: config.http.trustProxy,
    traceparents: config.tracing !== 'off',
    ...(tracing && { tracing: tracing.requests }),
    ...(metrics && { metrics }),
  });
  metrics?.reportBacklog({ store, client: temporal, taskQueue: config.taskQueue, logger });
  const close = async () => {
    await app.close();
    await client.close();
    await connection.close();
  };

  try {
    await app.listen({ host: config.http.host, port: config.http.port });
  } catch (error) {
    await close();
    throw error;
  }
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    app.drain();
    await delay(drainMs);
    await close();
  };
  return {
    url: app.listeningOrigin,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/**
 * Adds keys that the store does not have yet, for a first start. Safe to repeat; a key that was revoked stays revoked. Throws
 * `InvalidRequestError` when a key belongs to another user.
 */
export async function seedApiKeys(store: Store, keys: readonly { userId: string; key: string }[]): Promise<void> {
  for (const { userId, key } of keys) await store.createApiKey(userId, key);
}
