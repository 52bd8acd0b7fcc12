import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client } from '@temporalio/client';
import { describe, expect, inject, test } from 'vitest';
import { answer, delayed, inTurn } from '../../support/behaviours.js';
import { historiesOf } from '../../support/histories.js';
import { freshUser, startTestStack } from '../../support/stack.js';
import { startOwnTemporalServer } from '../../support/temporal.js';

const ok = answer(200);

/** Runs the newest run of a workflow anew from its first task, as an operator does. */
async function reset(workflowId: string, ...more: string[]): Promise<void> {
  const which = ['--workflow-id', workflowId, '--type', 'FirstWorkflowTask', '--reason', 'a second thought'];
  const server = ['--address', inject('temporalAddress')];
  await promisify(execFile)(inject('temporalCli'), ['workflow', 'reset', ...which, ...server, ...more]);
}

describe('a reset to the first workflow task', { timeout: 120_000 }, () => {
  test('in the middle of 1,100 calls sends nothing again that was recorded, and the batch can be steered', async () => {
    const stack = await startTestStack({
      environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_PROBE_INTERVAL: '1h' },
    });
    const { client, receiver, addCalls, store } = stack;
    receiver.behaviour = delayed(20, ok);
    const user_id = freshUser();
    const batch = await client.create({ user_id, call_ids: await addCalls(1_100, user_id), webhook_url: receiver.url });
    await expect.poll(() => receiver.requests.length).toBeGreaterThan(300);
    await batch.pause();
    await expect.poll(async () => (await batch.progress()).status).toBe('paused');
    await expect
      .poll(async () => (await store.readBatch(user_id, batch.batchId))?.delivered)
      .toBe(receiver.requests.length);
    const recorded = receiver.requests.length;
    expect(recorded).toBeLessThan(1_100);
    await reset(batch.workflowId);
    await expect.poll(() => batch.progress()).toMatchObject({ status: 'paused', delivered: recorded });
    expect(receiver.requests).toHaveLength(recorded);
    await batch.resume();
    expect(await batch.result()).toMatchObject({ delivered: 1_100 });
    expect(receiver.requests).toHaveLength(1_100);
  });

  test('of a run that was continued as new does no harm either', async () => {
    const stack = await startTestStack();
    const { client, receiver, addCalls, connection } = stack;
    const user_id = freshUser();
    const batch = await client.create({ user_id, call_ids: await addCalls(5_000, user_id), webhook_url: receiver.url });
    expect(await batch.result()).toMatchObject({ delivered: 5_000 });
    expect((await historiesOf(new Client({ connection }), batch.workflowId)).length).toBeGreaterThan(1);
    await reset(batch.workflowId);
    expect(await batch.result()).toMatchObject({ delivered: 5_000 });
    expect(receiver.requests).toHaveLength(5_000);
  });

  test('after its webhooks were removed sends nothing', async () => {
    const stack = await startTestStack();
    const { client, receiver, addCalls, store } = stack;
    const user_id = freshUser();
    const batch = await client.create({ user_id, call_ids: await addCalls(3, user_id), webhook_url: receiver.url });
    await batch.result();
    expect(await store.prune({ finished_before: new Date(Date.now() + 60_000) })).toEqual({ batches: 1, webhooks: 3 });
    await reset(batch.workflowId);
    expect(await batch.result()).toMatchObject({ canceled: 3 });
    expect(receiver.requests).toHaveLength(3);
  });

  test('keeps what a pause has added to the horizon', async () => {
    const stack = await startTestStack({
      environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_RETRY_HORIZON: '6s', POSTCALL_PROBE_INTERVAL: '1h' },
    });
    const { client, receiver, addCalls, store } = stack;
    receiver.behaviour = answer(500);
    const user_id = freshUser();
    const call_ids = await addCalls(30, user_id);
    const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url, options: { down_after: 3 } });
    await expect.poll(() => receiver.requests.length).toBe(3);
    await batch.pause();
    // Longer than the horizon: without the pause all would be failed by now.
    await expect.poll(async () => (await store.readBatch(user_id, batch.batchId))?.paused).toBe(true);
    const accepted = Date.parse((await batch.progress()).started_at);
    await expect.poll(() => Date.now() - accepted, { timeout: 15_000 }).toBeGreaterThan(8_000);
    await reset(batch.workflowId, '--reapply-exclude', 'Signal');
    await expect
      .poll(() => batch.progress())
      .toMatchObject({ status: 'paused', pending: 27, started_at: expect.any(String) });
    receiver.behaviour = ok;
    await batch.resume();
    expect(await batch.result()).toMatchObject({ failed: 3, delivered: 27 });
  });
});

test('a key that Temporal has forgotten gives a new batch, and no order for the old one reaches it', {
  timeout: 120_000,
}, async () => {
  const server = await startOwnTemporalServer();
  const first = await startTestStack({ temporalAddress: server.address });
  const user_id = freshUser();
  const call_ids = await first.addCalls(2, user_id);
  const key = { user_id, idempotency_key: 'k-1' };
  const created = await first.client.create({ ...key, call_ids, webhook_url: first.receiver.url });
  await created.result();
  await first.stopWorkers();

  const forgetful = await startOwnTemporalServer();
  const second = await startTestStack({
    temporalAddress: forgetful.address,
    store: first.store,
    environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_PROBE_INTERVAL: '1h' },
  });
  first.receiver.behaviour = answer(500);
  const resent = await second.client.resend({ ...key, call_ids });
  expect(resent.workflowId).toBe(created.workflowId);
  expect(resent.batchId).not.toBe(created.batchId);
  await expect.poll(async () => (await resent.progress()).retrying).toBe(2);
  const old = second.client.getHandle(created.batchId);
  await expect(old.cancel()).rejects.toThrow(/no batch/i);
  await expect(old.progress()).rejects.toThrow(/no batch/i);
  first.receiver.behaviour = ok;
  await resent.retryNow();
  expect(await resent.result()).toMatchObject({ status: 'completed', delivered: 2 });
});

describe('an endpoint that is down', { timeout: 120_000 }, () => {
  test('is probed by one webhook in each interval, however many workers run, and by none of a paused batch', async () => {
    const stack = await startTestStack({
      environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_PROBE_INTERVAL: '2s' },
    });
    await stack.startWorker();
    await stack.startWorker();
    const { client, receiver, addCalls } = stack;
    receiver.behaviour = answer(503);
    const user_id = freshUser();
    const call_ids = await addCalls(40, user_id);
    const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url });
    await expect.poll(() => receiver.requests.length, { timeout: 60_000 }).toBeGreaterThan(16);
    const probes = receiver.requests.slice(10).map(({ receivedAt }) => receivedAt);
    const gaps = probes.slice(1).map((at, index) => at - (probes[index] ?? 0));
    // Two in one interval would come closer than nine tenths of it.
    for (const gap of gaps) expect(gap).toBeGreaterThan(1_500);
    await batch.pause();
    await expect.poll(async () => (await batch.progress()).status).toBe('paused');
    const seen = receiver.requests.length;
    const from = Date.now();
    await expect.poll(() => Date.now() - from).toBeGreaterThan(5_000);
    expect(receiver.requests.length).toBe(seen);
    await batch.cancel();
    await batch.result();
  });
});

describe('a batch of 10,000 calls at its full rate', { timeout: 120_000 }, () => {
  test('answers, can be paused, and changes its worker in the middle without a call being sent twice', async () => {
    const stack = await startTestStack();
    const { client, receiver, addCalls } = stack;
    const user_id = freshUser();
    const batch = await client.create({
      user_id,
      call_ids: await addCalls(10_000, user_id),
      webhook_url: receiver.url,
    });
    await expect.poll(() => receiver.requests.length).toBeGreaterThan(1_000);
    expect(await batch.progress()).toMatchObject({ status: 'running', total: 10_000 });
    await batch.pause();
    await expect.poll(async () => (await batch.progress()).status).toBe('paused');
    const paused = receiver.requests.length;
    expect(paused).toBeLessThan(10_000);
    expect((await batch.progress()).delivered).toBe(paused);
    await batch.resume();
    await expect.poll(() => receiver.requests.length).toBeGreaterThan(paused + 500);
    await stack.stopWorkers();
    expect(receiver.requests.length).toBeLessThan(10_000);
    await stack.startWorker();
    expect(await batch.result()).toMatchObject({ delivered: 10_000 });
    expect(receiver.requests).toHaveLength(10_000);
  });
});

test('a call that was rejected can be created once it is there', async () => {
  const { client, receiver, store } = await startTestStack();
  receiver.behaviour = inTurn(ok);
  const user_id = freshUser();
  const request = { user_id, call_ids: [`late-${user_id}`], webhook_url: receiver.url };
  expect(await (await client.create(request)).result()).toMatchObject({ rejected: 1 });
  await store.upsertCalls([{ call_id: `late-${user_id}`, user_id, data: '{}' }]);
  expect(await (await client.create(request)).result()).toMatchObject({ delivered: 1 });
});
