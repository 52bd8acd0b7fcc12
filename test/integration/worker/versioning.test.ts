import type { Client } from '@temporalio/client';
import { expect, inject, onTestFinished, test } from 'vitest';
import { PostcallClient } from '../../../client/index.js';
import { loadConfig } from '../../../config/index.js';
import { IN_MEMORY, openStore } from '../../../store/index.js';
import { startWorker } from '../../../worker/index.js';
import { answer } from '../../support/behaviours.js';
import { Receiver } from '../../support/receiver.js';
import { testLogger } from '../../support/stack.js';
import { connectClient, freshTaskQueue, quietRuntime } from '../../support/temporal.js';

/** Starts workers of different builds on one task queue and one store. */
async function startDeployment() {
  quietRuntime();
  const client = await connectClient();
  const taskQueue = freshTaskQueue();
  const deploymentName = `deployment-${taskQueue}`;
  const store = await openStore({ dataDir: IN_MEMORY });
  onTestFinished(() => store.close());
  const receiver = await Receiver.start({ behaviour: answer(500) });
  onTestFinished(() => receiver.close());
  const startBuild = async (buildId: string) => {
    const config = loadConfig({
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_TASK_QUEUE: taskQueue,
      TEMPORAL_DEPLOYMENT_NAME: deploymentName,
      TEMPORAL_WORKER_BUILD_ID: buildId,
      POSTCALL_ALLOW_NETWORKS: '127.0.0.0/8',
      POSTCALL_RETRY_SCHEDULE: '1s',
    });
    const workflows = { workflowBundle: { codePath: inject('workflowBundlePath') } };
    const worker = await startWorker({ config, store, logger: testLogger(), workflows });
    onTestFinished(() => worker.stop());
    return worker;
  };
  const makeCurrent = (buildId: string) =>
    // The server knows a build once its worker has polled.
    expect
      .poll(() =>
        setCurrentVersion(client, deploymentName, buildId).then(
          () => 'current',
          (error: Error) => error.message,
        ),
      )
      .toBe('current');
  return { client, postcall: new PostcallClient({ client, taskQueue }), store, receiver, startBuild, makeCurrent };
}

const setCurrentVersion = ({ workflowService, options }: Client, deploymentName: string, buildId: string) =>
  workflowService.setWorkerDeploymentCurrentVersion({ namespace: options.namespace, deploymentName, buildId });

async function buildOf({ workflowService, options }: Client, workflowId: string): Promise<string | null | undefined> {
  const { namespace } = options;
  const { workflowExecutionInfo } = await workflowService.describeWorkflowExecution({
    namespace,
    execution: { workflowId },
  });
  return workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId;
}

test('a build that is not current takes nothing on, and an open batch moves to the one that becomes current', {
  timeout: 120_000,
}, async () => {
  const { client, postcall, store, receiver, startBuild, makeCurrent } = await startDeployment();
  const calls = ['c-1', 'c-2', 'c-3'].map((call_id) => ({ call_id, user_id: 'u', data: { call_id } }));
  await store.upsertCalls(calls);
  const old = await startBuild('1.0');
  await makeCurrent('1.0');

  const request = { user_id: 'u', webhook_url: receiver.url };
  const open = await postcall.create({ ...request, call_ids: ['c-1', 'c-2'] });
  await expect.poll(async () => (await open.progress()).retrying).toBe(2);
  expect(await buildOf(client, open.workflowId)).toBe('1.0');

  await startBuild('2.0');
  const between = await postcall.create({ ...request, call_ids: ['c-3'] });
  await expect.poll(async () => (await between.progress()).retrying).toBe(1);
  expect(await buildOf(client, between.workflowId)).toBe('1.0');

  await makeCurrent('2.0');
  await old.stop();
  receiver.behaviour = answer(200);
  for (const batch of [open, between]) {
    expect(await batch.result()).toMatchObject({ failed: 0, canceled: 0 });
    expect(await buildOf(client, batch.workflowId)).toBe('2.0');
  }
  for (const { call_id } of calls) {
    expect(await store.getWebhook('u', call_id)).toMatchObject({ status: 'delivered' });
  }
});
