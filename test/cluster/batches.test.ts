import { expect, test } from 'vitest';
import { sharedCluster, startClusterStack } from '../support/cluster-stack.js';

const cluster = sharedCluster();

test('batches of 1, 2,500 and 10,000 by two API processes and two workers: each call once', async () => {
  const { stack } = await startClusterStack('batches of 1, 2,500 and 10,000', cluster());
  await Promise.all([stack.startWorker(), stack.startWorker()]);
  await stack.send([10_000, 2_500, ...Array.from({ length: 200 }, () => 1)]);
  const { calls, duplicates } = await stack.conclude();
  expect(duplicates).toBe(0);
  for (const { attempts } of calls) expect(attempts).toMatchObject([{ response_code: 200 }]);
});
