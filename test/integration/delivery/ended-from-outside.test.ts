import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { pageWorkflowId } from '../../../contract/index.js';
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
    await stack().stopWorker();
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
    await stack().stopWorker();
    const failed: [string, number][] = [];
    const errors: unknown[] = [];
    const endedBatches = new EndedBatches({
      client: temporal,
      store: stack().store,
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
    await stack().stopWorker();
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

test('a page that was terminated has its waiting calls failed; its batch, and what the page had delivered, stand', async () => {
  const { batch, call_ids, temporal, webhookOf } = await waitingBatch(503, (callIds) => {
    const failing = new Set(callIds.slice(501));
    return (request, response) => answer(failing.has(request.callId ?? '') ? 500 : 200)(request, response);
  });
  await expect.poll(() => batch.progress()).toMatchObject({ delivered: 501, retrying: 2 });
  await temporal.workflow.getHandle(pageWorkflowId(batch.batchId, 1)).terminate('by hand');
  const lost = { error: 'PageLost', message: 'the workflow of its page was ended from outside' };
  expect(await batch.result()).toMatchObject({
    status: 'completed',
    delivered: 501,
    failed: 2,
    errors: call_ids.slice(501).map((call_id) => ({ call_id, ...lost })),
  });
  expect(await webhookOf(call_ids[500])).toMatchObject({ status: 'delivered' });
  expect(await webhookOf(call_ids[502])).toMatchObject({ status: 'failed', reason: lost.message });
});
