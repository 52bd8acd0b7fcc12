import { Client } from '@temporalio/client';
import { expect, test } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { startScene, startTestStack } from '../../support/stack.js';
import { freshTaskQueue } from '../../support/temporal.js';

/** Workers of different builds on one task queue and one store. */
async function startDeployment() {
  const environment = {
    TEMPORAL_DEPLOYMENT_NAME: `deployment-${freshTaskQueue()}`,
    TEMPORAL_WORKER_BUILD_ID: '1.0',
    POSTCALL_RETRY_SCHEDULE: '1s',
  };
  const stack = await startTestStack({ worker: false, environment });
  const temporal = new Client({ connection: stack.connection });
  const startBuild = (buildId: string) => stack.startWorker({ environment: { TEMPORAL_WORKER_BUILD_ID: buildId } });
  const makeCurrent = (buildId: string) =>
    // The server knows a build once its worker has polled.
    expect
      .poll(() =>
        setCurrentVersion(temporal, environment.TEMPORAL_DEPLOYMENT_NAME, buildId).then(
          () => 'current',
          (error: Error) => error.message,
        ),
      )
      .toBe('current');
  return { ...(await startScene(stack, answer(500))), temporal, startBuild, makeCurrent };
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
  const { client, temporal, user_id, addCalls, store, receiver, startBuild, makeCurrent } = await startDeployment();
  const [first = '', second = '', third = ''] = await addCalls(3);
  const old = await startBuild('1.0');
  await makeCurrent('1.0');

  const request = { user_id, webhook_url: receiver.url };
  const open = await client.create({ ...request, call_ids: [first, second] });
  await expect.poll(async () => (await open.progress()).retrying).toBe(2);
  expect(await buildOf(temporal, open.workflowId)).toBe('1.0');

  await startBuild('2.0');
  const between = await client.create({ ...request, call_ids: [third] });
  await expect.poll(async () => (await between.progress()).retrying).toBe(1);
  expect(await buildOf(temporal, between.workflowId)).toBe('1.0');

  await makeCurrent('2.0');
  await old.stop();
  receiver.behaviour = answer(200);
  for (const batch of [open, between]) {
    expect(await batch.result()).toMatchObject({ failed: 0, canceled: 0 });
    expect(await buildOf(temporal, batch.workflowId)).toBe('2.0');
  }
  for (const call of [first, second, third]) {
    expect(await store.getWebhook(user_id, call)).toMatchObject({ status: 'delivered' });
  }
});
