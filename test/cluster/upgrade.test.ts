import type { Client } from '@temporalio/client';
import { expect, test } from 'vitest';
import { answer } from '../support/behaviours.js';
import { sharedCluster, startClusterStack } from '../support/cluster-stack.js';
import { take } from '../support/fault-endpoint.js';
import { mixedBatches } from '../support/fault-workload.js';
import { connectClient } from '../support/temporal.js';

const cluster = sharedCluster();
const NAMESPACE = 'default';

/** As an operator does with `temporal worker deployment set-current-version`. The server knows a build once its worker has polled. */
async function makeCurrent({ workflowService }: Client, deploymentName: string, buildId: string): Promise<void> {
  const set = () =>
    workflowService.setWorkerDeploymentCurrentVersion({ namespace: NAMESPACE, deploymentName, buildId }).then(
      () => 'current',
      (error: Error) => error.message,
    );
  await expect.poll(set).toBe('current');
}

/** How many of a task queue's workflows are with each build. */
async function builds({ workflow, workflowService }: Client, taskQueue: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for await (const { workflowId } of workflow.list({ query: `TaskQueue = '${taskQueue}'` })) {
    const described = await workflowService.describeWorkflowExecution({
      namespace: NAMESPACE,
      execution: { workflowId },
    });
    const build = described.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? 'none';
    counts[build] = (counts[build] ?? 0) + 1;
  }
  return counts;
}

test('workers of the next build take over batches that are open, one worker after the other', async () => {
  const client = await connectClient(cluster().address);
  const { stack, taskQueue } = await startClusterStack('cluster: rolling upgrade with batches open', cluster());
  const deployment = `deployment-${taskQueue}`;
  const startBuild = (buildId: string) =>
    stack.startWorker({ TEMPORAL_DEPLOYMENT_NAME: deployment, TEMPORAL_WORKER_BUILD_ID: buildId });
  const old = [await startBuild('1'), await startBuild('1')];
  await makeCurrent(client, deployment, '1');
  // Every batch stays open until the upgrade is done.
  stack.endpoint.behaviour = stack.endpoint.refusing(answer(500));
  const sizes = mixedBatches(stack.random);
  await stack.send(sizes);
  await expect.poll(() => builds(client, taskQueue)).toEqual({ 1: sizes.length });

  await startBuild('2');
  await makeCurrent(client, deployment, '2');
  for (const worker of old) {
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
    await startBuild('2');
  }
  stack.endpoint.behaviour = take;
  stack.healed();

  const { duplicates } = await stack.conclude();
  expect(duplicates).toBe(0);
  expect(await builds(client, taskQueue)).toEqual({ 2: sizes.length });
});
