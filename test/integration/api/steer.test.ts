import { Client } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { workflowIdOf } from '../../../contract/index.js';
import { sharedApi } from '../../support/api.js';
import { answer } from '../../support/behaviours.js';

const CREATE = '/v1/postcall/webhooks/create';
const api = sharedApi({ environment: { POSTCALL_RETRY_SCHEDULE: '1h' } });

/** A batch whose first attempts have failed, at an endpoint that is well again: its calls wait for an hour. */
async function waitingBatch(count: number) {
  const { stack, newUser } = api();
  const user = await newUser();
  const calls = await stack.addCalls(count, user.userId);
  stack.receiver.behaviour = answer(404);
  const { headers } = await user.post(CREATE, { call_ids: calls, webhook_url: stack.receiver.url });
  stack.receiver.behaviour = answer(200);
  const path = headers.get('location') ?? '';
  const order = (name: string, body?: unknown) => user.post(`${path}/${name}`, body);
  const progress = async () => (await user.get(path)).body.data;
  const statusOf = async (callId?: string) => (await user.get(`/v1/postcall/webhooks/${callId}`)).body.data.status;
  return { user, calls, path, order, progress, statusOf };
}

describe('POST /v1/postcall/batches/{batch_id}/...', () => {
  test('retry tries every waiting call now', async () => {
    const { order, progress } = await waitingBatch(3);
    const { status, body } = await order('retry');
    expect(status).toBe(200);
    expect(body).toMatchObject({ data: { total: 3 }, errors: null });
    await expect.poll(progress).toMatchObject({ status: 'completed', delivered: 3 });
  });

  test('retry tries only the calls that it names', async () => {
    const { calls, order, progress, statusOf } = await waitingBatch(2);
    const { status } = await order('retry', { call_ids: [calls[1]] });
    expect(status).toBe(200);
    await expect.poll(progress).toMatchObject({ delivered: 1, retrying: 1 });
    expect([await statusOf(calls[0]), await statusOf(calls[1])]).toEqual(['retrying', 'delivered']);
  });

  test('retry answers 400 for calls that are none', async () => {
    const { order } = await waitingBatch(1);
    const refused = async (body: unknown) => {
      const answered = await order('retry', body);
      return [answered.status, answered.body.errors[0].message];
    };
    expect(await refused({ call_ids: [] })).toEqual([400, 'call_ids must name at least one call']);
    expect(await refused(null)).toEqual([400, 'the body must be a JSON object']);
    expect(await refused([])).toEqual([400, 'the body must be a JSON object']);
  });

  test('pause holds waiting calls back until resume, which sends them at once', async () => {
    const { calls, order, progress } = await waitingBatch(2);
    const { status, body } = await order('pause');
    expect(status).toBe(200);
    expect(body.data).toMatchObject({ total: 2, retrying: 2 });
    await expect.poll(progress).toMatchObject({ status: 'paused', retrying: 2 });
    expect((await order('pause')).body.data.status).toBe('paused');
    await order('retry');
    expect(await progress()).toMatchObject({ status: 'paused', retrying: 2 });
    expect(api().stack.receiver.requestsOf(calls[0] ?? '')).toHaveLength(1);
    expect((await order('resume')).status).toBe(200);
    await expect.poll(progress).toMatchObject({ status: 'completed', delivered: 2 });
  });

  test('cancel settles what has not been delivered, and the store says so', async () => {
    const { calls, order, progress, statusOf } = await waitingBatch(2);
    expect((await order('cancel')).status).toBe(200);
    await expect.poll(progress).toMatchObject({ status: 'canceled', canceled: 2 });
    expect(await statusOf(calls[0])).toBe('canceled');
    const { status, body } = await order('cancel');
    expect(status).toBe(200);
    expect(body.data).toMatchObject({ status: 'canceled', canceled: 2 });
  });

  test.each(['pause', 'resume', 'retry', 'cancel'])('%s changes nothing in a batch that has ended', async (name) => {
    const { order, progress } = await waitingBatch(1);
    await order('retry');
    await expect.poll(progress).toMatchObject({ status: 'completed' });
    const ended = await progress();
    const { status, body } = await order(name);
    expect(status).toBe(200);
    expect(body.data).toEqual(ended);
  });

  test('a batch whose workflow was terminated takes orders without an error, and its webhooks fail', async () => {
    const { user, path, calls, order, progress, statusOf } = await waitingBatch(1);
    const { connection } = api().stack;
    // A worker would fail the webhook once it notices.
    await api().stack.stopWorkers();
    const workflowId = workflowIdOf(path.split('/').at(-1) ?? '');
    await new Client({ connection }).workflow.getHandle(workflowId).terminate();
    for (const name of ['pause', 'resume', 'retry', 'cancel']) {
      const { status, body } = await order(name);
      expect([status, body.data]).toMatchObject([200, { retrying: 1 }]);
    }
    expect((await user.get(`${path}/webhooks`)).body.data).toHaveLength(1);
    await api().stack.startWorker();
    await expect.poll(progress, { timeout: 40_000 }).toMatchObject({ failed: 1, finished_at: expect.any(String) });
    expect(await statusOf(calls[0])).toBe('failed');
  });
});
