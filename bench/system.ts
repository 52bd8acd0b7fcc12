import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PostcallClient } from '../client/index.js';
import { startPostgres } from '../dev/postgres.js';
import { sampleCalls } from '../dev/sample-calls/index.js';
import { findTemporalCli } from '../dev/temporal-cli.js';
import { startTemporalServer } from '../dev/temporal-server.js';
import { openStore } from '../store/index.js';
import { type Usage, usageOf } from './process-usage.js';

export const DATABASES = ['PGlite', 'PostgreSQL'] as const;
export type Database = (typeof DATABASES)[number];

export const USER = 'bench';

/** Attempts in flight where an operator and a caller allow an endpoint more than the defaults do. */
export const WIDE_IN_FLIGHT = 400;

/** The whole product, each part in processes of its own, with calls to deliver. */
export interface System extends AsyncDisposable {
  client: PostcallClient;
  /** CPU and memory of the parts; PGlite runs in the worker. */
  usage(): Promise<{ worker: Usage; temporal: Usage; database: Usage }>;
}

/** Starts a Temporal dev server, a database with these calls, and a worker. */
export async function startSystem(database: Database, callIds: readonly string[]): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'postcall-bench-'));
  const postgres = database === 'PostgreSQL' ? await startPostgres() : undefined;
  const databaseUrl = await postgres?.createDatabase();
  await importCalls({ databaseUrl, dataDir: folder }, callIds);
  const server = await startTemporalServer({ cliPath: await findTemporalCli(), dataDir: folder, uiPort: false });
  const worker = startWorkerProcess({
    TEMPORAL_ADDRESS: server.address,
    POSTCALL_ALLOW_NETWORKS: '127.0.0.0/8',
    POSTCALL_MAX_IN_FLIGHT: String(WIDE_IN_FLIGHT),
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
    ...(databaseUrl === undefined ? { POSTCALL_DATA_DIR: folder } : { DATABASE_URL: databaseUrl }),
  });
  const client = await PostcallClient.connect({ address: server.address });
  const nothing: Usage = { cpuSeconds: 0, memoryMb: 0 };
  return {
    client,
    usage: async () => ({
      worker: await usageOf(worker.pid as number),
      temporal: await usageOf(server.pid),
      database: postgres?.pid === undefined ? nothing : await usageOf(postgres.pid),
    }),
    [Symbol.asyncDispose]: async () => {
      await client.close();
      const exited = once(worker, 'exit');
      worker.kill('SIGTERM');
      await exited;
      await server.stop();
      await postgres?.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const startWorkerProcess = (environment: Record<string, string>) =>
  fork(fileURLToPath(new URL('../worker/main.js', import.meta.url)), [], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
  });

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
