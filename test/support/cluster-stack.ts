import pg from 'pg';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { migrateStore } from '../../store/index.js';
import { PLANNING } from '../../store/planning.js';
import { ApiProcesses } from './api-processes.js';
import { FaultStack } from './fault-stack.js';
import { hasPgBouncer, type PgBouncer, startPgBouncer } from './pgbouncer.js';
import { type PostgresServer, startPrivatePostgres } from './postgres.js';
import { freshUser } from './stack.js';
import { freshTaskQueue } from './temporal.js';
import { startTemporalCluster, type TemporalCluster } from './temporal-cluster.js';

/** A server that starts with all of its shards keeps two cores busy for seconds: an endpoint beside it must not seem to be silent. */
const ATTEMPT_TIMEOUT = '10s';

/** One Temporal cluster for the tests of a file. Call it outside of tests. */
export function sharedCluster(): () => TemporalCluster {
  let cluster: TemporalCluster | undefined;
  beforeAll(async () => {
    cluster = await startTemporalCluster();
  }, 900_000);
  afterAll(() => cluster?.remove());
  return () => {
    if (!cluster) throw new Error('the Temporal cluster runs while tests run');
    return cluster;
  };
}

export interface ClusterStack {
  stack: FaultStack;
  api: ApiProcesses;
  taskQueue: string;
  /** Of the product. */
  postgres: PostgresServer;
  /** Undefined where the package is missing. */
  bouncer: PgBouncer | undefined;
}

/**
 * The product as it is deployed on a cluster: a PostgreSQL, two API processes, two workers that the caller starts, and a PgBouncer in
 * transaction mode between them and the database where the package is there.
 */
export async function startClusterStack(
  scenario: string,
  { address }: TemporalCluster,
  environment: Record<string, string> = {},
): Promise<ClusterStack> {
  const postgres = await startPrivatePostgres();
  onTestFinished(() => postgres.remove());
  const databaseUrl = await postgres.createDatabase();
  await migrateStore({ databaseUrl });
  const bouncer = hasPgBouncer ? await bouncerBefore(databaseUrl) : undefined;
  const taskQueue = freshTaskQueue();
  const userId = freshUser();
  const shared = {
    DATABASE_URL: bouncer?.url ?? databaseUrl,
    POSTCALL_ATTEMPT_TIMEOUT: ATTEMPT_TIMEOUT,
    ...environment,
  };
  const api = await ApiProcesses.start(2, userId, {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_TASK_QUEUE: taskQueue,
    ...shared,
  });
  const stack = await FaultStack.start({
    scenario,
    store: { databaseUrl },
    temporalAddress: address,
    taskQueue,
    userId,
    starter: (client) => api.starter(client),
    environment: shared,
  });
  stack.holdTo(api);
  if (bouncer) stack.holdTo(bouncer);
  return { stack, api, taskQueue, postgres, bouncer };
}

/** Set up as docs/production.md says. */
async function bouncerBefore(databaseUrl: string): Promise<PgBouncer> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  for (const [name, value] of Object.entries({ ...PLANNING, statement_timeout: '12s' }))
    await client.query(`alter role postgres set ${name} = '${value}'`);
  await client.end();
  const settings = ['ignore_startup_parameters = statement_timeout,options', 'server_login_retry = 1'];
  return startPgBouncer({ databaseUrl, poolMode: 'transaction', settings });
}
