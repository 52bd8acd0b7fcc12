import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { PostcallClient } from '../client/index.js';
import { loadConfig } from '../config/index.js';
import { freePort } from '../contract/free-port.js';
import { sampleCalls } from '../dev/sample-calls/index.js';
import { findTemporalCli } from '../dev/temporal-cli.js';
import { startTemporalServer } from '../dev/temporal-server.js';
import { openStore } from '../store/index.js';
import { startPostgres } from '../test/support/postgres.js';
import { startTemporalCluster } from '../test/support/temporal-cluster.js';
import { type Usage, usageOf } from './process-usage.js';

export const DATABASES = ['PGlite', 'PostgreSQL'] as const;
export type Database = (typeof DATABASES)[number];

/** The embedded dev server, or a server with a PostgreSQL of its own, as in production. */
export const SERVERS = ['dev server', 'cluster'] as const;
export type Server = (typeof SERVERS)[number];

/** What a system is made of, beside the product. */
export interface Base {
  database: Database;
  server: Server;
}

export const USER = 'bench';
export const API_KEY = 'bench-key-of-sixteen-or-more';

/** Attempts in flight where an operator and a caller allow an endpoint more than the defaults do. */
export const WIDE_IN_FLIGHT = 400;

const PARTS = ['worker', 'api', 'temporal', 'database'] as const;
export type Part = (typeof PARTS)[number];

/** The whole product, each part in processes of its own, with calls to deliver. */
export interface System extends AsyncDisposable {
  client: PostcallClient;
  /** Of the HTTP API. */
  apiOrigin: string;
  /** CPU and memory of the parts; PGlite runs in the worker. */
  usage(): Promise<Record<Part, Usage>>;
  /** Of all runs of a workflow. */
  historyCounts(workflowId: string): Promise<{ events: number; activities: number }>;
}

/** Starts a Temporal server, a database with these calls, a worker and an API process. */
export async function startSystem(
  base: Base,
  callIds: readonly string[],
  environment: Record<string, string> = {},
): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'postcall-bench-'));
  const postgres = base.database === 'PostgreSQL' ? await startPostgres() : undefined;
  const databaseUrl = await postgres?.createDatabase();
  const { encryption } = loadConfig(environment);
  await importCalls({ databaseUrl, dataDir: folder, encryption }, callIds);
  const server = await startServer(base.server, folder);
  const port = await freePort();
  const variables = {
    ...variablesOf(port),
    TEMPORAL_ADDRESS: server.address,
    ...(databaseUrl === undefined ? { POSTCALL_DATA_DIR: folder } : { DATABASE_URL: databaseUrl }),
    ...environment,
  };
  const worker = startProcess('../worker/main.js', variables);
  const api = startProcess('../api/main.js', variables);
  return systemOf({
    port,
    address: server.address,
    pids: { worker: [worker.pid], api: [api.pid], temporal: server.pids, database: [postgres?.pid] },
    stop: async () => {
      await Promise.all([stopProcess(api), stopProcess(worker)]);
      await server.remove();
      await postgres?.remove();
      await rm(folder, { recursive: true, force: true });
    },
  });
}

/** Starts `npm start`: worker, API and PGlite in one process, and Temporal below it. All of it counts as the worker's. */
export async function startPackage(callIds: readonly string[]): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'postcall-bench-'));
  await importCalls({ databaseUrl: undefined, dataDir: folder }, callIds);
  const [port, temporalPort, uiPort] = [await freePort(), await freePort(), await freePort()];
  const embedded = startProcess('../dev/start.js', {
    ...variablesOf(port),
    TEMPORAL_CLI_PATH: await findTemporalCli(),
    TEMPORAL_PORT: String(temporalPort),
    TEMPORAL_UI_PORT: String(uiPort),
    POSTCALL_DATA_DIR: folder,
  });
  return systemOf({
    port,
    address: `127.0.0.1:${temporalPort}`,
    pids: { worker: [embedded.pid] },
    stop: async () => {
      await stopProcess(embedded);
      await rm(folder, { recursive: true, force: true });
    },
  });
}

/** Of the bench's own environment: to measure what they cost. */
const SEARCH_ATTRIBUTES = process.env.POSTCALL_SEARCH_ATTRIBUTES === 'off' ? 'off' : 'on';

const variablesOf = (port: number) => ({
  POSTCALL_SEARCH_ATTRIBUTES: SEARCH_ATTRIBUTES,
  POSTCALL_ALLOW_NETWORKS: '127.0.0.0/8',
  POSTCALL_MAX_IN_FLIGHT: String(WIDE_IN_FLIGHT),
  POSTCALL_API_KEYS: `${USER}:${API_KEY}`,
  POSTCALL_RATE_LIMIT: '1000000',
  PORT: String(port),
  NODE_ENV: 'production',
  LOG_LEVEL: 'warn',
});

interface Running {
  /** The API's. */
  port: number;
  /** Of the Temporal server. */
  address: string;
  /** Of processes whose usage counts; those below them count with them. */
  pids: Partial<Record<Part, (number | undefined)[]>>;
  stop(): Promise<void>;
}

async function systemOf({ port, address, pids, stop }: Running): Promise<System> {
  const apiOrigin = `http://127.0.0.1:${port}`;
  await ready(apiOrigin);
  const client = await PostcallClient.connect({ address, searchAttributes: SEARCH_ATTRIBUTES === 'on' });
  const connection = await Connection.connect({ address });
  const temporal = new Client({ connection });
  return {
    client,
    apiOrigin,
    usage: async () => {
      const entries = await Promise.all(PARTS.map(async (part) => [part, await usageOfPart(pids[part])] as const));
      return Object.fromEntries(entries) as Record<Part, Usage>;
    },
    historyCounts: (workflowId) => historyCounts(temporal, workflowId),
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await connection.close();
      await stop();
    },
  };
}

interface RunningServer {
  address: string;
  /** Of the server, and of its database where it has one. */
  pids: (number | undefined)[];
  remove(): Promise<void>;
}

async function startServer(server: Server, dataDir: string): Promise<RunningServer> {
  if (server === 'cluster') {
    const cluster = await startTemporalCluster();
    return {
      address: cluster.address,
      pids: [cluster.pid, cluster.postgres.pid],
      remove: () => cluster.remove(),
    };
  }
  const { address, pid, stop } = await startTemporalServer({
    cliPath: await findTemporalCli(),
    dataDir,
    uiPort: false,
  });
  return { address, pids: [pid], remove: stop };
}

/** PGlite has no process of its own. */
async function usageOfPart(pids: (number | undefined)[] = []): Promise<Usage> {
  const usages = await Promise.all(pids.map((pid) => (pid === undefined ? NOTHING : usageOf(pid))));
  return {
    cpuSeconds: usages.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    memoryMb: usages.reduce((sum, { memoryMb }) => sum + memoryMb, 0),
  };
}

const NOTHING: Usage = { cpuSeconds: 0, memoryMb: 0 };

const startProcess = (path: string, environment: Record<string, string>) =>
  fork(fileURLToPath(new URL(path, import.meta.url)), [], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
  });

async function stopProcess(child: ReturnType<typeof startProcess>): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

async function ready(origin: string): Promise<void> {
  for (const limit = Date.now() + 30_000; ; await delay(50)) {
    const isReady = await fetch(`${origin}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    if (Date.now() > limit) throw new Error('the API has not become ready');
  }
}

async function historyCounts(client: Client, workflowId: string): Promise<{ events: number; activities: number }> {
  const counts = { events: 0, activities: 0 };
  for await (const { runId } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    const { events = [] } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    counts.events += events?.length ?? 0;
    counts.activities += (events ?? []).filter(
      ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled,
    ).length;
  }
  return counts;
}

/** Realistic calls: the samples' transcripts under the bench's IDs. */
async function importCalls(options: Parameters<typeof openStore>[0], callIds: readonly string[]): Promise<void> {
  const store = await openStore(options);
  const samples = sampleCalls();
  for (let from = 0; from < callIds.length; from += 500) {
    const calls = callIds.slice(from, from + 500).map((call_id, index) => {
      const sample = samples[index % samples.length];
      return { call_id, user_id: USER, data: { ...sample, call_id } };
    });
    await store.upsertCalls(calls);
  }
  await store.close();
  await delay(100);
}
