import { existsSync, statSync } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { freePort } from '../contract/free-port.js';
import { SEARCH_ATTRIBUTE_TYPES } from '../contract/index.js';
import { type Exit, type GuardedProcess, spawnGuarded } from './guarded-process.js';
import { type PortNeed, requireFreePorts } from './required-ports.js';
import { StackError } from './stack-error.js';

export interface TemporalServerOptions {
  /** The `temporal` binary. */
  cliPath: string;
  /** Where the server keeps its database and its log; made when it is missing. */
  dataDir: string;
  /** `file` (default): what was running goes on at the next start. `memory`: forgotten at the end. */
  database?: 'file' | 'memory';
  /** Whether it has the search attributes. Default true. */
  searchAttributes?: boolean;
  /** The gRPC port. Default: any free one. */
  port?: number;
  /** The Web UI's port; `false`: no Web UI. Default: any free one. */
  uiPort?: number | false;
  /** Milliseconds until the server must answer. Default 30,000. */
  startTimeoutMs?: number;
  signal?: AbortSignal;
}

/** A running Temporal dev server. It ends with this process, also where that is killed. */
export interface TemporalServer extends AsyncDisposable {
  /** `host:port` of its gRPC frontend. */
  readonly address: string;
  /** Where people look; undefined without a Web UI. */
  readonly uiUrl: string | undefined;
  readonly pid: number;
  /** Resolves when the server has ended. */
  readonly exited: Promise<Exit>;
  /** Lets the server finish, for at most ten seconds. Safe to repeat. */
  stop(): Promise<void>;
  /** Ends the server at once, as a crash would. */
  kill(): Promise<void>;
}

const HOST = '127.0.0.1';

/** 16 MB: four times what a checkpoint leaves in the write-ahead log. */
const WAL_LIMIT_BYTES = 16 * 1_024 * 1_024;

/**
 * Fairness lets one slow endpoint not delay the others (it includes priorities). The server's own limits are those of one host among many,
 * and throttle a batch at a few hundred activities a second; this one has the machine to itself.
 */
const DYNAMIC_CONFIG = {
  'matching.useNewMatcher': true,
  'matching.enableFairness': true,
  'frontend.rps': 50_000,
  'frontend.namespaceRPS': 50_000,
  'history.rps': 50_000,
  'matching.rps': 50_000,
  // Well before a client gives a long poll up: a request that is cut off in the middle leaves the database interrupted for good.
  'history.longPollExpirationInterval': '"4s"',
};

/**
 * A write-ahead log makes a commit cheap and survives a kill. It is emptied every 4 MB; where it has grown beyond its limit, because
 * something kept it from being emptied, it is cut then. The exclusive lock ends with the process that holds it, and keeps a second
 * server from the same file.
 */
const SQLITE_PRAGMAS = {
  journal_mode: 'wal',
  synchronous: 'normal',
  locking_mode: 'exclusive',
  journal_size_limit: WAL_LIMIT_BYTES,
};

/**
 * Starts `temporal server start-dev` and waits until it answers. It has the namespace `default`.
 * @throws {StackError} `PORT_BUSY`, `DATA_DIR_BUSY` or `TEMPORAL_SERVER_FAILED`.
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const { dataDir, startTimeoutMs = 30_000, signal } = options;
  const port = options.port ?? (await freePort());
  const uiPort = options.uiPort ?? (await freePort());
  await requireFreePorts(temporalPorts(port, uiPort));
  await mkdir(dataDir, { recursive: true });

  const address = `${HOST}:${port}`;
  const log = await openLog(join(dataDir, 'temporal.log'));
  const server = spawnServer(options, port, uiPort, log.file.fd);
  await log.file.close();
  try {
    await untilAnswering(address, server, startTimeoutMs, signal);
  } catch (error) {
    await server.stop(2_000);
    throw error instanceof StackError || signal?.aborted ? error : startFailure(dataDir, await log.read(), error);
  }

  const stop = async () => void (await server.stop());
  return {
    address,
    uiUrl: uiPort === false ? undefined : `http://${HOST}:${uiPort}`,
    pid: server.pid,
    exited: server.exited,
    stop,
    async kill() {
      server.signal('SIGKILL');
      await server.exited;
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** What a server with these ports needs; port 0 is any free one. */
export const temporalPorts = (port: number, uiPort: number | false): PortNeed[] => [
  { port, what: 'Temporal server', variable: 'TEMPORAL_PORT' },
  ...(uiPort === false ? [] : [{ port: uiPort, what: 'Temporal Web UI', variable: 'TEMPORAL_UI_PORT' }]),
];

const MAX_LOG_BYTES = 10_000_000;

/** Appends to the server's log, and reads what this start added to it. */
async function openLog(path: string) {
  const size = existsSync(path) ? statSync(path).size : 0;
  const start = size < MAX_LOG_BYTES ? size : 0;
  const file = await open(path, start === size ? 'a' : 'w');
  return { file, read: async () => (await readFile(path)).subarray(start).toString().trim() };
}

function spawnServer(
  { cliPath, dataDir, database = 'file', searchAttributes = true }: TemporalServerOptions,
  port: number,
  uiPort: number | false,
  log: number,
): GuardedProcess {
  const pairs = (flag: string, values: Record<string, unknown>) =>
    Object.entries(values).flatMap(([key, value]) => [flag, `${key}=${value}`]);
  const args = [
    ...['server', 'start-dev', '--ip', HOST, '--port', String(port), '--log-level', 'warn', '--color', 'never'],
    ...(uiPort === false ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...pairs('--dynamic-config-value', DYNAMIC_CONFIG),
    ...(searchAttributes ? pairs('--search-attribute', SEARCH_ATTRIBUTE_TYPES) : []),
    // A relative name, because the server reads it as part of a URL: a `?` or `%` in the folder's name would change its meaning.
    ...(database === 'file' ? ['--db-filename', 'temporal.db', ...pairs('--sqlite-pragma', SQLITE_PRAGMAS)] : []),
  ];
  return spawnGuarded(resolve(cliPath), args, { cwd: dataDir, output: log });
}

/** gRPC would wait a second before it tries a port again that was not open yet. */
const RECONNECT_SOON = { 'grpc.initial_reconnect_backoff_ms': 50, 'grpc.max_reconnect_backoff_ms': 100 };

async function untilAnswering(
  address: string,
  server: GuardedProcess,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  let ended = false;
  const onEnd = () => {
    ended = true;
  };
  server.exited.then(onEnd, onEnd);
  for (const deadline = Date.now() + timeoutMs; ; ) {
    signal?.throwIfAborted();
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1_000, channelArgs: RECONNECT_SOON });
      await connection.workflowService.describeNamespace({ namespace: 'default' }).finally(() => connection.close());
      return;
    } catch (error) {
      if (ended) throw error;
      if (Date.now() > deadline) {
        const message = `The Temporal server did not answer within ${timeoutMs} ms.`;
        throw new StackError('TEMPORAL_SERVER_FAILED', message, { cause: error });
      }
      await delay(100, undefined, signal ? { signal } : {});
    }
  }
}

function startFailure(dataDir: string, log: string, cause: unknown): StackError {
  if (log.includes('SQLITE_BUSY')) {
    return new StackError(
      'DATA_DIR_BUSY',
      `${dataDir} is in use by another Temporal server. Stop it, or set POSTCALL_DATA_DIR to another folder.`,
      { cause },
    );
  }
  const reason = log.split('\n').at(-1) || 'it printed nothing';
  return new StackError('TEMPORAL_SERVER_FAILED', `The Temporal server ended at its start: ${reason}`, { cause });
}
