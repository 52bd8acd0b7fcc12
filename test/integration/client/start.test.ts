import { randomUUID } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { expect, inject, onTestFinished, test } from 'vitest';
import {
  BatchFailedError,
  BatchNotFoundError,
  IdempotencyConflictError,
  PostcallClient,
  ServiceRefusedError,
  ServiceUnavailableError,
  WorkerUnavailableError,
} from '../../../client/index.js';
import { batchWorkflowId, InvalidRequestError } from '../../../contract/index.js';
import { freePort } from '../../../dev/free-port.js';
import { connectClient, freshTaskQueue } from '../../support/temporal.js';
import { USER } from './stack.js';

/** A client on a task queue that no worker polls. */
async function clientWithoutWorker() {
  const temporal = await connectClient();
  return { temporal, client: new PostcallClient({ client: temporal, taskQueue: freshTaskQueue() }) };
}

/** A client of an address at which nothing listens. */
async function clientWithoutService(): Promise<PostcallClient> {
  const connection = Connection.lazy({ address: `127.0.0.1:${await freePort()}` });
  const client = new PostcallClient({ connection });
  onTestFinished(async () => {
    await client.close();
    await connection.close();
  });
  return client;
}

const request = () => ({
  user_id: USER,
  call_ids: ['c-1', 'c-2'],
  webhook_url: 'https://example.com/hooks',
  idempotency_key: randomUUID(),
});

test('create is accepted without a worker, and the batch is known at once', async () => {
  const { client, temporal } = await clientWithoutWorker();
  const batch = await client.create(request());
  expect(await batch.describe()).toMatchObject({ batch_id: batch.batchId, user_id: USER, status: 'running' });
  const { type, memo, priority } = await temporal.workflow.getHandle(batch.workflowId).describe();
  expect(type).toBe('deliverBatch');
  expect(Object.keys(memo ?? {}).sort()).toEqual(['fingerprint', 'user_id']);
  expect(priority?.fairnessKey).toMatch(/^\w{1,64}$/);
});

test('an invalid request starts nothing', async () => {
  const { client } = await clientWithoutWorker();
  const invalid = { ...request(), call_ids: ['c-1', 'c-1'] };
  await expect(client.create(invalid)).rejects.toThrow(InvalidRequestError);
  const batch = await client.create({ ...invalid, call_ids: ['c-1'] });
  expect(await batch.describe()).toMatchObject({ status: 'running' });
});

test('the same request under the same key returns the first batch', async () => {
  const { client } = await clientWithoutWorker();
  const repeated = request();
  const first = await client.create(repeated);
  const second = await client.create(repeated);
  expect(second.batchId).toBe(first.batchId);
});

test('50 concurrent identical requests under one key start one workflow', async () => {
  const { client, temporal } = await clientWithoutWorker();
  const repeated = request();
  const batches = await Promise.all(Array.from({ length: 50 }, () => client.create(repeated)));
  expect(new Set(batches.map(({ batchId }) => batchId)).size).toBe(1);
  const id = batches[0]?.workflowId;
  const count = async () => (await temporal.workflow.count(`WorkflowId = "${id}"`)).count;
  await expect.poll(count, { timeout: 20_000 }).toBe(1);
});

test.each([
  ['other calls', { call_ids: ['c-3'] }],
  ['another URL', { webhook_url: 'https://example.com/other' }],
  ['other options', { options: { max_in_flight: 1 } }],
])('the same key with %s is a conflict', async (_, change) => {
  const { client } = await clientWithoutWorker();
  const first = request();
  const { batchId } = await client.create(first);
  const error = await client.create({ ...first, ...change }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(IdempotencyConflictError);
  expect(error).toMatchObject({ batchId, idempotencyKey: first.idempotency_key });
});

test('a create and a resend under one key are a conflict', async () => {
  const { client } = await clientWithoutWorker();
  const { webhook_url: _, ...resend } = request();
  await client.create({ ...resend, webhook_url: 'https://example.com/hooks' });
  await expect(client.resend(resend)).rejects.toThrow(IdempotencyConflictError);
});

test('the same key of another user is another batch', async () => {
  const { client } = await clientWithoutWorker();
  const first = request();
  const [one, other] = await Promise.all([client.create(first), client.create({ ...first, user_id: 'u-2' })]);
  expect(one.batchId).not.toBe(other.batchId);
});

test('a terminated batch is a failed one, everywhere', async () => {
  const { client, temporal } = await clientWithoutWorker();
  const repeated = request();
  const batch = await client.create(repeated);
  await temporal.workflow.getHandle(batch.workflowId).terminate('by hand');
  await expect(batch.result()).rejects.toThrow(/terminated: by hand/);
  await expect(batch.progress()).rejects.toThrow(BatchFailedError);
  await expect(batch.pause()).rejects.toThrow(BatchFailedError);
  await expect(batch.firstAttempts({ timeoutMs: 5_000 })).rejects.toThrow(BatchFailedError);
  expect(await batch.describe()).toMatchObject({ status: 'failed', user_id: USER });
  expect((await client.create(repeated)).batchId).toBe(batch.batchId);
});

test.each(['b_0123456789abcdef', 'b_1-page-0', '', 'a/b', 'x'.repeat(2_000)])(
  'nothing is known of a batch %j that never was',
  async (batchId) => {
    const { client } = await clientWithoutWorker();
    const ask = async () => client.getHandle(batchId).progress();
    await expect(ask()).rejects.toThrow(BatchNotFoundError);
    const describe = async () => client.getHandle(batchId).describe();
    await expect(describe()).rejects.toThrow(BatchNotFoundError);
    const cancel = async () => client.getHandle(batchId).cancel();
    await expect(cancel()).rejects.toThrow(BatchNotFoundError);
    const result = async () => client.getHandle(batchId).result();
    await expect(result()).rejects.toThrow(BatchNotFoundError);
  },
);

test('a workflow that is no batch is not found under the ID of one', async () => {
  const { client, temporal } = await clientWithoutWorker();
  const batchId = `other-${randomUUID()}`;
  await temporal.workflow.start('other', {
    workflowId: batchWorkflowId(batchId),
    taskQueue: freshTaskQueue(),
  });
  await expect(client.getHandle(batchId).describe()).rejects.toThrow(BatchNotFoundError);
});

test('progress without a worker says that a worker is missing', async () => {
  const { client } = await clientWithoutWorker();
  const batch = await client.create(request());
  await expect(batch.progress()).rejects.toThrow(WorkerUnavailableError);
});

test('the first attempts of a batch without a worker are waited for until the time is over', async () => {
  const { client } = await clientWithoutWorker();
  const batch = await client.create(request());
  expect(await batch.firstAttempts({ timeoutMs: 300 })).toBe(false);
});

test('a wait for a result ends with the reason of its signal', async () => {
  const { client } = await clientWithoutWorker();
  const batch = await client.create(request());
  const controller = new AbortController();
  const result = batch.result({ signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(result).rejects.toThrow('enough');
});

test('a client that is closed ends the waits for results', async () => {
  const client = await PostcallClient.connect({
    address: inject('temporalAddress'),
    taskQueue: freshTaskQueue(),
    disableFile: true,
    overrideEnvVars: {},
  });
  const batch = await client.create(request());
  const result = batch.result();
  await client.close();
  await expect(result).rejects.toThrow('the client was closed');
});

test('an unreachable service is reported within five seconds, whatever is asked', { timeout: 15_000 }, async () => {
  const client = await clientWithoutService();
  const batch = client.getHandle('b_1');
  const asked = [client.create(request()), client.ping(), batch.progress(), batch.pause(), batch.describe()];
  for (const outcome of await Promise.allSettled(asked)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(ServiceUnavailableError) });
  }
});

test('connecting to an unreachable service names its address', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const connecting = PostcallClient.connect({ address, disableFile: true, overrideEnvVars: {} });
  await expect(connecting).rejects.toThrow(address);
  await expect(connecting).rejects.toThrow(ServiceUnavailableError);
});

test('a client connects by address and namespace, and closes its connection', async () => {
  await using client = await PostcallClient.connect({
    address: inject('temporalAddress'),
    taskQueue: freshTaskQueue(),
    disableFile: true,
    overrideEnvVars: {},
  });
  await client.ping();
  await client.create(request());
  await client.close();
  await expect(client.ping()).rejects.toThrow();
});

test('an unknown namespace is refused', async () => {
  await using client = await PostcallClient.connect({
    address: inject('temporalAddress'),
    namespace: 'nowhere',
    disableFile: true,
    overrideEnvVars: {},
  });
  await expect(client.ping()).rejects.toThrow(ServiceRefusedError);
  await expect(client.create(request())).rejects.toThrow(ServiceRefusedError);
});
