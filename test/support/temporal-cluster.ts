import { existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import { freePort } from '../../contract/free-port.js';
import { type GuardedProcess, runGuarded, spawnGuarded } from '../../dev/guarded-process.js';
import { findTemporalServer, type TemporalServerPrograms } from './find-temporal-server.js';
import { type PostgresServer, startPrivatePostgres } from './postgres.js';

/** As a small installation has it; it cannot be changed later. */
const HISTORY_SHARDS = 512;
const SERVICES = ['frontend', 'history', 'matching', 'worker'] as const;
const HOST = '127.0.0.1';
const NAMESPACE = 'default';
const RETENTION_SECONDS = 86_400;
const START_PATIENCE_MS = 120_000;
const POLL_MS = 200;
/** Two folders up from the source, three from what was compiled. */
const DYNAMIC_CONFIG = ['../../deploy', '../../../deploy']
  .map((folder) => fileURLToPath(new URL(`${folder}/temporal/dynamic-config.yaml`, import.meta.url)))
  .find(existsSync);

type Ports = Record<(typeof SERVICES)[number], { grpc: number; membership: number }>;

/** A Temporal server as an operator runs it: all services in one process, persistence and visibility in a PostgreSQL of its own. */
export interface TemporalCluster extends AsyncDisposable {
  /** `host:port` of its gRPC frontend; the namespace is `default`. */
  readonly address: string;
  readonly postgres: PostgresServer;
  /** Of the running server. */
  readonly pid: number;
  /** Resolves when it answers. */
  start(): Promise<void>;
  /** Lets it finish. */
  stop(): Promise<void>;
  /** As a crash. */
  kill(): Promise<void>;
  /** Stops server and database, and removes their data. */
  remove(): Promise<void>;
}

/** Builds the server where it is not in the cache, sets up its database, and resolves when the namespace can be used. */
export async function startTemporalCluster(onProgress: (line: string) => void = console.log): Promise<TemporalCluster> {
  const programs = await findTemporalServer(onProgress);
  const postgres = await startPrivatePostgres();
  const folder = await mkdtemp(join(tmpdir(), 'postcall-temporal-'));
  const ports = await freePorts();
  const database = new URL(postgres.url);
  await setUpSchema(programs, database);
  await writeFile(join(folder, 'server.yaml'), JSON.stringify(configuration(ports, database)));

  const cluster = new Cluster(programs.server, folder, ports, postgres);
  try {
    await cluster.start();
    await registerNamespace(cluster.address);
  } catch (error) {
    await cluster.remove();
    throw error;
  }
  return cluster;
}

async function freePorts(): Promise<Ports> {
  const entries: [string, Ports['frontend']][] = [];
  for (const service of SERVICES) entries.push([service, { grpc: await freePort(), membership: await freePort() }]);
  return Object.fromEntries(entries) as Ports;
}

class Cluster implements TemporalCluster {
  readonly address: string;
  readonly postgres: PostgresServer;
  readonly #program: string;
  readonly #folder: string;
  #process: GuardedProcess | undefined;

  constructor(program: string, folder: string, ports: Ports, postgres: PostgresServer) {
    this.#program = program;
    this.#folder = folder;
    this.postgres = postgres;
    this.address = `${HOST}:${ports.frontend.grpc}`;
  }

  get pid(): number {
    if (!this.#process) throw new Error('the Temporal server does not run');
    return this.#process.pid;
  }

  async start(): Promise<void> {
    const log = await open(join(this.#folder, 'server.log'), 'a');
    const args = ['--allow-no-auth', '--root', this.#folder, '--config', '.', '--env', 'server', 'start'];
    const server = spawnGuarded(this.#program, args, { output: log.fd });
    await log.close();
    this.#process = server;
    let ended = false;
    void server.exited.then(() => {
      ended = true;
    });
    await until(
      () => describeNamespaces(this.address),
      () => ended,
      () => this.#lastWords(),
    );
  }

  async stop(): Promise<void> {
    await this.#process?.stop(60_000);
    this.#process = undefined;
  }

  async kill(): Promise<void> {
    this.#process?.signal('SIGKILL');
    await this.#process?.exited;
    this.#process = undefined;
  }

  async remove(): Promise<void> {
    await this.kill();
    await this.postgres.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }

  async #lastWords(): Promise<string> {
    return (await readFile(join(this.#folder, 'server.log'), 'utf8')).slice(-3_000);
  }
}

async function setUpSchema({ sql }: TemporalServerPrograms, { port, username }: URL): Promise<void> {
  for (const [database, schema] of [
    ['temporal', 'postgresql/v12/temporal'],
    ['temporal_visibility', 'postgresql/v12/visibility'],
  ] as const) {
    const where = ['--endpoint', HOST, '--port', port, '--user', username, '--plugin', 'postgres12', '--db', database];
    for (const command of [
      ['create-database'],
      ['setup-schema', '--version', '0.0'],
      ['update-schema', '--schema-name', schema],
    ]) {
      const { code, output } = await runGuarded(sql, [...where, ...command]);
      if (code !== 0) throw new Error(`${command[0]} of ${database} failed:\n${output.slice(-3_000)}`);
    }
  }
}

/** The server reads YAML, which JSON is. */
const configuration = (ports: Ports, { port, username }: URL) => ({
  log: { stdout: true, level: 'warn' },
  persistence: {
    defaultStore: 'default',
    visibilityStore: 'visibility',
    numHistoryShards: HISTORY_SHARDS,
    datastores: {
      default: { sql: sqlStore('temporal', port, username, 40) },
      visibility: { sql: sqlStore('temporal_visibility', port, username, 20) },
    },
  },
  global: { membership: { maxJoinDuration: '30s', broadcastAddress: HOST } },
  services: Object.fromEntries(
    SERVICES.map((service) => [
      service,
      { rpc: { grpcPort: ports[service].grpc, membershipPort: ports[service].membership, bindOnLocalHost: true } },
    ]),
  ),
  clusterMetadata: {
    enableGlobalNamespace: false,
    failoverVersionIncrement: 10,
    masterClusterName: 'active',
    currentClusterName: 'active',
    clusterInformation: {
      active: {
        enabled: true,
        initialFailoverVersion: 1,
        rpcName: 'frontend',
        rpcAddress: `${HOST}:${ports.frontend.grpc}`,
      },
    },
  },
  dynamicConfigClient: { filepath: DYNAMIC_CONFIG, pollInterval: '60s' },
});

const sqlStore = (databaseName: string, port: string, user: string, connections: number) => ({
  pluginName: 'postgres12',
  databaseName,
  connectAddr: `${HOST}:${port}`,
  connectProtocol: 'tcp',
  user,
  maxConns: connections,
  maxIdleConns: connections,
  maxConnLifetime: '1h',
});

async function withConnection<T>(address: string, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address, connectTimeout: 1_000 });
  return use(connection).finally(() => connection.close());
}

const describeNamespaces = (address: string) =>
  withConnection(address, ({ workflowService }) => workflowService.listNamespaces({}));

/** The server's other services learn of a namespace some seconds later. */
async function registerNamespace(address: string): Promise<void> {
  await withConnection(address, async ({ workflowService }) => {
    const workflowExecutionRetentionPeriod = { seconds: RETENTION_SECONDS as never };
    await workflowService.registerNamespace({ namespace: NAMESPACE, workflowExecutionRetentionPeriod });
    await until(() => workflowService.countWorkflowExecutions({ namespace: NAMESPACE, query: '' }));
  });
}

/** Repeats until it works. */
async function until(
  attempt: () => Promise<unknown>,
  isHopeless = () => false,
  lastWords = async () => '',
): Promise<void> {
  for (const limit = Date.now() + START_PATIENCE_MS; ; await delay(POLL_MS)) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (!isHopeless() && Date.now() < limit) continue;
      throw new Error(`the Temporal server does not start:\n${await lastWords()}`, { cause: error });
    }
  }
}
