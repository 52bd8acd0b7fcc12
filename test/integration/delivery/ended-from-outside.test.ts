import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { EndedBatches } from '../../../worker/ended-batches.js';
import { answer, type Behaviour } from '../../support/behaviours.js';
import { freshUser, sharedTestStack } from '../../support/stack.js';
import { connectClient } from '../../support/temporal.js';

const stack = sharedTestStack({ environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_PROBE_INTERVAL: '1h' } });

/** A batch whose calls wait for their next attempt, but for those to which the endpoint answers otherwise. */
async function waitingBatch(count: number, behaviourOf?: (callIds: string[]) => Behaviour) {
  const { client, receiver, store, addCalls } = stack();
  const user_id = freshUser();
  const call_ids = await addCalls(count, user_id);
  receiver.behaviour = behaviourOf?.(call_ids) ?? answer(500);
  const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url });
  await expect.poll(async () => (await batch.progress()).retrying).toBeGreaterThan(0);
  const temporal = await connectClient();
  return {
    user_id,
    call_ids,
    batch,
    temporal,
    workflow: temporal.workflow.getHandle(batch.workflowId),
    webhookOf: (callId = call_ids[0] ?? '') => store.getWebhook(user_id, callId),
  };
}

/** Runs a workflow anew from its first task, as an operator does. */
async function reset(workflowId: string): Promise<void> {
  const which = ['--workflow-id', workflowId, '--type', 'FirstWorkflowTask', '--reason', 'a second thought'];
  const server = ['--address', inject('temporalAddress')];
  await promisify(execFile)(inject('temporalCli'), ['workflow', 'reset', ...which, ...server]);
}

describe('a batch that was terminated', () => {
  test('has its webhooks failed by the next worker that starts, and they can be sent again', async () => {
    const { client, receiver } = stack();
    const { user_id, call_ids, workflow, webhookOf } = await waitingBatch(3);
    await stack().stopWorkers();
    await workflow.terminate('by hand');
    expect(await webhookOf()).toMatchObject({ status: 'retrying' });
    await stack().startWorker();
    for (const callId of call_ids) {
      await expect
        .poll(() => webhookOf(callId))
        .toMatchObject({
          status: 'failed',
          reason: 'the workflow of its batch ended from outside: terminated',
          next_attempt_at: null,
        });
    }
    receiver.behaviour = answer(200);
    const resend = await client.resend({ user_id, call_ids });
    expect(await resend.result()).toMatchObject({ status: 'completed', delivered: 3 });
  });

  test('is noticed by a worker that runs, once its termination is', async () => {
    const { batch, workflow, temporal, webhookOf } = await waitingBatch(1);
    // Its own look would be as good as the one that is watched.
    await stack().stopWorkers();
    const failed: [string, number][] = [];
    const errors: unknown[] = [];
    const endedBatches = new EndedBatches({
      client: temporal,
      store: stack().store,
      taskQueue: stack().taskQueue,
      callsTable: true,
      onFailed: (...what) => failed.push(what),
      onError: (error) => errors.push(error),
      intervalMs: 100,
    });
    endedBatches.start();
    onTestFinished(() => endedBatches.stop());
    await workflow.terminate('by hand');
    await expect.poll(webhookOf).toMatchObject({ status: 'failed' });
    await expect.poll(() => failed).toEqual([[batch.batchId, 1]]);
    expect(errors).toEqual([]);
    await stack().startWorker();
  });

  test('and reset goes on: its webhooks are left to it', async () => {
    const { batch, workflow, webhookOf } = await waitingBatch(1);
    // Another batch that ended from outside shows when both have been looked at.
    const other = await waitingBatch(1);
    await stack().stopWorkers();
    await workflow.terminate('by hand');
    await reset(batch.workflowId);
    await other.workflow.terminate('by hand');
    await stack().startWorker();
    await expect.poll(() => other.webhookOf()).toMatchObject({ status: 'failed' });
    expect(await webhookOf()).toMatchObject({ status: 'retrying' });
    stack().receiver.behaviour = answer(200);
    await batch.retryNow();
    expect(await batch.result()).toMatchObject({ status: 'completed', delivered: 1 });
    expect(await webhookOf()).toMatchObject({ status: 'delivered' });
  });
});

describe('a batch of 2,000 calls to a dead endpoint', () => {
  const statusesOf = async (user_id: string, batch_id: string) => {
    const batch = await stack().store.readBatch(user_id, batch_id);
    return batch && { pending: batch.pending, retrying: batch.retrying, failed: batch.failed };
  };

  test('has a row for each call, which fails when it is terminated, and can be sent again', async () => {
    const { client, receiver } = stack();
    const { user_id, batch, workflow } = await waitingBatch(2_000, () => answer(503));
    await expect.poll(() => statusesOf(user_id, batch.batchId)).toEqual({ pending: 1_990, retrying: 10, failed: 0 });
    await stack().stopWorkers();
    await workflow.terminate('by hand');
    await stack().startWorker();
    await expect.poll(() => statusesOf(user_id, batch.batchId)).toEqual({ pending: 0, retrying: 0, failed: 2_000 });
    receiver.behaviour = answer(200);
    const since = new Date(Date.now() - 3_600_000).toISOString();
    const { calls, batches } = await (await client.resendFailed({ user_id, since })).result();
    expect(calls).toBe(2_000);
    for (const batchId of batches) expect(await client.getHandle(batchId).result()).toMatchObject({ failed: 0 });
  });

  test('is failed whole when it is terminated before any worker has seen it', async () => {
    const { client, receiver, addCalls } = stack();
    const user_id = freshUser();
    const call_ids = await addCalls(2_000, user_id);
    await stack().stopWorkers();
    const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url });
    expect(await batch.describe()).toMatchObject({ user_id, status: 'running' });
    await (await connectClient()).workflow.getHandle(batch.workflowId).terminate('by hand');
    await stack().startWorker();
    await expect.poll(() => statusesOf(user_id, batch.batchId)).toEqual({ pending: 0, retrying: 0, failed: 2_000 });
  });
});
