import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { type LoadClientProfileOptions, loadClientConnectConfig } from '@temporalio/envconfig';
import { DEFAULT_TEMPORAL_PORT } from '../contract/index.js';
import { messageOf } from '../contract/message-of.js';
import { ServiceUnavailableError } from './errors/index.js';

const CONNECT_TIMEOUT_MS = 5_000;
/** gRPC itself would let up to two minutes pass between two attempts to connect again. */
export const RECONNECT_ARGS = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 5_000 };

/** Where the workflow service is, beyond what TEMPORAL_* variables and the configuration file say (`@temporalio/envconfig`). */
export interface ConnectOptions extends LoadClientProfileOptions {
  /** `host:port`, before what the environment says. Default `127.0.0.1:7233`. */
  address?: string;
  /** Before what the environment says. Default `default`. */
  namespace?: string;
  /** The workers' ones, where they have any. */
  payloadCodecs?: PayloadCodec[];
}

/** Throws `ServiceUnavailableError` after five seconds. */
export async function connect({ payloadCodecs = [], ...options }: ConnectOptions): Promise<Client> {
  return new Client({ ...(await openConnection(options)), dataConverter: { payloadCodecs } });
}

/** As {@link connect}: for requests that no client makes. */
export async function openConnection({
  address,
  namespace,
  ...profile
}: Omit<ConnectOptions, 'payloadCodecs'>): Promise<{ connection: Connection; namespace: string }> {
  const config = loadClientConnectConfig(profile);
  const target = address ?? config.connectionOptions.address ?? `127.0.0.1:${DEFAULT_TEMPORAL_PORT}`;
  const connection = await open({
    ...config.connectionOptions,
    address: target,
    connectTimeout: CONNECT_TIMEOUT_MS,
    channelArgs: RECONNECT_ARGS,
  });
  return { connection, namespace: namespace ?? config.namespace ?? 'default' };
}

async function open(options: ConnectionOptions & { address: string }): Promise<Connection> {
  const connection = Connection.lazy(options);
  try {
    await connection.ensureConnected();
    return connection;
  } catch (error) {
    await connection.close();
    const reason = messageOf(error);
    throw new ServiceUnavailableError(`no connection to ${options.address}: ${reason}`, { cause: error });
  }
}
