import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
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
import { freePort } from '../../../contract/free-port.js';
import {
  InvalidRequestError,
  MAX_CALLS_PER_ORDER,
  batchId as makeBatchId,
  workflowIdOf,
} from '../../../contract/index.js';
import { connectClient, freshTaskQueue } from '../../support/temporal.js';

const USER = 'u-1';

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
  const { batchId: batch_id } = batch;
  expect(await batch.describe()).toMatchObject({ batch_id, user_id: USER, total: 2, status: 'running' });
  const { type, memo, priority } = await temporal.workflow.getHandle(batch.workflowId).describe();
  expect(type).toBe('deliverWebhooks');
  expect(memo).toEqual({ batches: [{ batch_id, user_id: USER, total: 2, fingerprint: expect.any(String) }] });
  expect(priority?.fairnessKey).toMatch(/^\w{1,64}$/);
});

test('requests of one moment share a workflow, and each is a batch of its user', async () => {
  const { client, temporal } = await clientWithoutWorker();
  const users = Array.from({ length: 60 }, (_, index) => `u-${index % 7}`);
  const batches = await Promise.all(
    users.map((user_id, index) =>
      client.create({ user_id, call_ids: [`c-${index}`], webhook_url: 'https://example.com/' }),
    ),
  );
  expect(new Set(batches.map(({ batchId }) => batchId)).size).toBe(60);
  expect(new Set(batches.map(({ workflowId }) => workflowId)).size).toBe(1);
  const described = await Promise.all(batches.map((batch) => batch.describe()));
  expect(described.map(({ user_id, total }) => [user_id, total])).toEqual(users.map((user_id) => [user_id, 1]));
  const { staticSummary } = await temporal.workflow.getHandle(batches[0]?.workflowId ?? '').describe();
  expect(await staticSummary()).toBe('60 requests: 60 calls to 7 endpoints');
});

test('without grouping each request has a workflow of its own', async () => {
  const client = new PostcallClient({ client: await connectClient(), taskQueue: freshTaskQueue(), grouping: false });
  const { idempotency_key: _, ...small } = request();
  const batches = await Promise.all(Array.from({ length: 5 }, () => client.create(small)));
  expect(new Set(batches.map(({ workflowId }) => workflowId)).size).toBe(5);
});

test('a group that is too large for the service is halved until only the request at fault fails', async () => {
  const temporal = await connectClient();
  // As an encryption does: what Temporal gets is larger than what was counted.
  const codec: PayloadCodec = {
    encode: async (payloads) =>
      payloads.map((payload) => {
        const swollen = Buffer.from(payload.data ?? []).includes('swollen') ? 3_000_000 : 0;
        return { ...payload, data: Buffer.concat([payload.data ?? Buffer.alloc(0), Buffer.alloc(swollen, ' ')]) };
      }),
    decode: async (payloads) => payloads,
  };
  const client = new PostcallClient({
    client: new Client({ connection: temporal.connection, dataConverter: { payloadCodecs: [codec] } }),
    taskQueue: freshTaskQueue(),
  });
  const calls = Array.from({ length: 9 }, (_, index) => (index === 5 ? 'swollen' : `c-${index}`));
  const outcomes = await Promise.allSettled(
    calls.map((callId) => client.create({ user_id: USER, call_ids: [callId], webhook_url: 'https://example.com/' })),
  );
  expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual(calls.map((callId) => callId !== 'swollen'));
  expect(outcomes[5]).toMatchObject({ reason: { code: 'SERVICE_REFUSED', forContent: true } });
});

test('everything that was asked for before the client is closed is started', async () => {
  const { client } = await clientWithoutWorker();
  const { idempotency_key: _, ...small } = request();
  const starting = Array.from({ length: 20 }, () => client.create(small));
  await client.close();
  const batches = await Promise.all(starting);
  const { client: other } = await clientWithoutWorker();
  for (const { batchId } of batches) expect(await other.getHandle(batchId).describe()).toMatchObject({ total: 2 });
  await expect(client.create(small)).rejects.toThrow('the client was closed');
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

test('a terminated batch is a failed one, which no order reaches, and its key still names it', async () => {
  const { client, temporal } = await clientWithoutWorker();
  const repeated = request();
  const batch = await client.create(repeated);
  await temporal.workflow.getHandle(batch.workflowId).terminate('by hand');
  await expect(batch.result()).rejects.toThrow(/terminated: by hand/);
  await expect(batch.progress()).rejects.toThrow(BatchFailedError);
  expect([await batch.pause(), await batch.retryNow()]).toEqual([false, false]);
  await expect(batch.firstAttempts({ timeoutMs: 5_000 })).rejects.toThrow(BatchFailedError);
  expect(await batch.describe()).toMatchObject({ status: 'failed', user_id: USER });
  expect((await client.create(repeated)).batchId).toBe(batch.batchId);
});

test.each(['b_0123456789abcdef.01234567', 'b_1', 'b_1.', '.', '', 'a/b.c', 'x'.repeat(2_000)])(
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
  const batchId = makeBatchId(`other-${randomUUID()}`, '0');
  await temporal.workflow.start('other', { workflowId: workflowIdOf(batchId), taskQueue: freshTaskQueue() });
  await expect(client.getHandle(batchId).describe()).rejects.toThrow(BatchNotFoundError);
});

test('another batch of the same workflow ID is not found, and orders for it reach nobody', async () => {
  const { client, temporal } = await clientWithoutWorker();
  const { workflowId, batchId } = await client.create(request());
  const other = client.getHandle(`${batchId.split('.')[0]}.ffffffff`);
  expect(other.workflowId).toBe(workflowId);
  const asked = [other.describe(), other.pause(), other.retryNow(), other.cancel(), other.result()];
  for (const outcome of await Promise.allSettled(asked)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(BatchNotFoundError) });
  }
  const { events } = await temporal.workflow.getHandle(workflowId).fetchHistory();
  expect(events?.filter(({ workflowExecutionSignaledEventAttributes: signal }) => signal)).toEqual([]);
});

test('orders are durable without a worker, and carry the batch', async () => {
  const { client, temporal } = await clientWithoutWorker();
  const batch = await client.create(request());
  expect([await batch.pause(), await batch.resume(), await batch.retryNow({ call_ids: ['c-1'] })]).toEqual([
    true,
    true,
    true,
  ]);
  expect(await batch.cancel()).toBe(true);
  const { events } = await temporal.workflow.getHandle(batch.workflowId).fetchHistory();
  const signals = events?.flatMap(({ workflowExecutionSignaledEventAttributes: signal }) =>
    signal ? [[signal.signalName, JSON.parse(Buffer.from(signal.input?.payloads?.[0]?.data ?? '').toString())]] : [],
  );
  const { batchId: batch_id } = batch;
  expect(signals).toEqual([
    ['pause', { batch_id }],
    ['resume', { batch_id }],
    ['retryNow', { batch_id, call_ids: ['c-1'] }],
    ['cancel', { batch_id }],
  ]);
});

test.each([
  ['more than 1,000 calls', Array.from({ length: MAX_CALLS_PER_ORDER + 1 }, (_, index) => `c-${index}`)],
  ['more than 64 kB', Array.from({ length: 600 }, (_, index) => `${index}`.padEnd(120, 'x'))],
])('an order with %s is refused, and names the field', async (_, call_ids) => {
  const { client } = await clientWithoutWorker();
  const batch = await client.create(request());
  await expect(batch.retryNow({ call_ids })).rejects.toMatchObject({
    name: 'InvalidRequestError',
    problems: [{ field: 'call_ids', message: expect.stringMatching(/^call_ids /) }],
  });
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

test('an unreachable service is reported within five seconds, whatever is asked', { timeout: 30_000 }, async () => {
  const client = await clientWithoutService();
  const batch = client.getHandle('b_1.0');
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
