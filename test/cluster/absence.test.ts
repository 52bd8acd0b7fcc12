import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { sharedCluster, startClusterStack } from '../support/cluster-stack.js';
import { mixedBatches } from '../support/fault-workload.js';

const ABSENCE_MS = 180_000;

const cluster = sharedCluster();

test('Temporal is away for three minutes: nothing is lost, and creates are accepted when it is back', async () => {
  const { stack, api } = await startClusterStack('cluster: absence of Temporal for 3 min', cluster());
  await stack.startWorker();
  await stack.startWorker();
  await stack.send(mixedBatches(stack.random));
  await stack.untilMidway();
  await cluster().stop();
  // The absence itself, which nothing can shorten: clients and workers wait longer from one try to connect to the next.
  const absence = delay(ABSENCE_MS);
  await expect.poll(() => api.readiness(0)).toBe(503);
  await stack.send(mixedBatches(stack.random.for('meanwhile')));
  await absence;
  await cluster().start();
  stack.healed();

  const { duplicates } = await stack.conclude();
  expect(duplicates).toBe(0);
  expect(await api.readiness(0)).toBe(200);
  expect(await api.readiness(1)).toBe(200);
});
