import { describe, expect, test } from 'vitest';
import { type ClusterStack, sharedCluster, startClusterStack } from '../support/cluster-stack.js';
import { mixedBatches } from '../support/fault-workload.js';
import { hasPgBouncer } from '../support/pgbouncer.js';
import type { WorkerProcess } from '../support/worker-process.js';

const cluster = sharedCluster();

/** Two workers in the middle of their work. */
async function working(scenario: string): Promise<ClusterStack & { workers: [WorkerProcess, WorkerProcess] }> {
  const running = await startClusterStack(scenario, cluster());
  const { stack } = running;
  const workers: [WorkerProcess, WorkerProcess] = [await stack.startWorker(), await stack.startWorker()];
  await stack.send(mixedBatches(stack.random, 1_500));
  await stack.untilMidway();
  return { ...running, workers };
}

describe('on a cluster, no call is lost when', () => {
  test('a worker is killed, and the other one goes on', async () => {
    const { stack, workers } = await working('cluster: SIGKILL of one of two workers');
    const killed = await stack.break(() => workers[0].kill());
    stack.healed();
    await stack.conclude({ breaks: [killed] });
  });

  test('an API process is killed, and the other one goes on', async () => {
    const { stack, api } = await working('cluster: SIGKILL of one of two API processes');
    await api.kill(0);
    await stack.send(mixedBatches(stack.random.for('after')));
    await api.start(0);
    stack.healed();
    const { duplicates } = await stack.conclude();
    expect(duplicates).toBe(0);
  });

  test('the Temporal server is killed', async () => {
    const { stack } = await working('cluster: SIGKILL of Temporal');
    await cluster().kill();
    await cluster().start();
    stack.healed();
    const { duplicates } = await stack.conclude();
    expect(duplicates).toBe(0);
  });

  test("Temporal's database is killed", async () => {
    const { stack } = await working("cluster: SIGKILL of Temporal's PostgreSQL");
    await cluster().postgres.kill();
    await cluster().postgres.start();
    stack.healed();
    const { duplicates } = await stack.conclude();
    expect(duplicates).toBe(0);
  });

  test("the product's database is killed", async () => {
    const { stack, postgres } = await working("cluster: SIGKILL of the product's PostgreSQL");
    await postgres.kill();
    await postgres.start();
    stack.healed();
    const { duplicates } = await stack.conclude();
    expect(duplicates).toBe(0);
  });

  test.skipIf(!hasPgBouncer)('the pooler before it is killed', async () => {
    const { stack, bouncer } = await working('cluster: SIGKILL of PgBouncer');
    await bouncer?.killAndStart();
    stack.healed();
    const { duplicates } = await stack.conclude();
    expect(duplicates).toBe(0);
  });
});
