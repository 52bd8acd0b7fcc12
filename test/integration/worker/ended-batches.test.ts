import { randomUUID } from 'node:crypto';
import { Client } from '@temporalio/client';
import { METADATA_ENCODING_KEY, type Payload, type PayloadCodec } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  type BatchRequest,
  batchId,
  DELIVER_WORKFLOW,
  type DeliverInput,
  type DeliverMemo,
  workflowIdOf,
} from '../../../contract/index.js';
import { type Store, StoreQueryError } from '../../../store/index.js';
import { EndedBatches } from '../../../worker/ended-batches.js';
import { openScratchStore } from '../../support/pglite-template.js';
import { freshUser } from '../../support/stack.js';
import { connectClient, freshTaskQueue } from '../../support/temporal.js';

let store: Store;
beforeAll(async () => {
  store = await openScratchStore();
});
afterAll(() => store.close());

const calls = (count: number) => Array.from({ length: count }, (_, index) => `c-${randomUUID()}-${index}`);
const taskQueue = freshTaskQueue();

const create = (call_ids: string[], user_id = freshUser()) => ({
  call_ids,
  user_id,
  send_type: 'create' as const,
  webhook_url: 'http://127.0.0.1:1/hook',
});

/** Starts a workflow that no worker takes, and ends it. */
async function terminated(client: Client, ...requests: Omit<BatchRequest, 'batch_id'>[]): Promise<BatchRequest[]> {
  const part = `b_${randomUUID()}`;
  const batches = requests.map((request, index) => ({ ...request, batch_id: batchId(part, String(index)) }));
  const memo: DeliverMemo = {
    batches: batches.map(({ batch_id, user_id, call_ids }) => ({ batch_id, user_id, total: call_ids.length })),
  };
  const handle = await client.workflow.start(DELIVER_WORKFLOW, {
    workflowId: workflowIdOf(batchId(part, '0')),
    taskQueue,
    args: [{ batches } satisfies DeliverInput],
    memo: { ...memo },
  });
  await handle.terminate('by hand');
  return batches;
}

/** Looks every tenth of a second. */
function looking(client: Client, over: Store = store) {
  const failed: [string, number][] = [];
  const errors: unknown[] = [];
  const endedBatches = new EndedBatches({
    client,
    taskQueue,
    store: over,
    onFailed: (...what) => failed.push(what),
    onError: (error) => errors.push(error),
    intervalMs: 100,
  });
  endedBatches.start();
  onTestFinished(() => endedBatches.stop());
  return { failed, errors };
}

const standing = ({ user_id, batch_id }: BatchRequest) => store.readBatch(user_id, batch_id);

describe('a workflow that was terminated before any worker saw it', () => {
  test('has all of its batches registered, whatever their size and user, and failed', async () => {
    const client = await connectClient();
    const batches = await terminated(client, create(calls(1)), create(calls(1_200)), create(calls(3)));
    const { failed } = looking(client);
    for (const batch of batches) {
      const total = batch.call_ids.length;
      await expect.poll(() => standing(batch)).toMatchObject({ total, failed: total, finished_at: expect.any(String) });
    }
    const ours = () => failed.filter(([id]) => batches.some(({ batch_id }) => batch_id === id));
    await expect.poll(() => ours()).toEqual(batches.map(({ batch_id, call_ids }) => [batch_id, call_ids.length]));
  });

  test('is registered whole where a part was', async () => {
    const client = await connectClient();
    const [batch] = (await terminated(client, create(calls(700)))) as [BatchRequest];
    const { call_ids, ...base } = batch;
    const part = { ...base, call_ids: call_ids.slice(0, 500), offset: 0, total: 700 };
    const workflow_id = workflowIdOf(batch.batch_id);
    await store.registerBatches({ workflow_id, accepted_at: Date.now(), parts: [part], calls: false });
    looking(client);
    await expect.poll(() => standing(batch)).toMatchObject({ failed: 700 });
  });

  test('is read through the payload codecs', async () => {
    const reversed: PayloadCodec = {
      encode: async (payloads) => payloads.map(turn('binary/reversed')),
      decode: async (payloads) => payloads.map(turn('json/plain')), // Of another test's it makes what is no JSON.
    };
    const plain = await connectClient();
    const client = new Client({ connection: plain.connection, dataConverter: { payloadCodecs: [reversed] } });
    const [batch] = (await terminated(client, create(calls(2)))) as [BatchRequest];
    looking(client);
    await expect.poll(() => standing(batch)).toMatchObject({ failed: 2 });
  });

  test('holds up no other where its batches cannot be registered', async () => {
    const client = await connectClient();
    const [broken] = (await terminated(client, create(calls(1)))) as [BatchRequest];
    const [batch] = (await terminated(client, create(calls(1)))) as [BatchRequest];
    const refusing: Store = {
      ...store,
      registerBatches: (request) =>
        request.parts.some(({ batch_id }) => batch_id === broken.batch_id)
          ? Promise.reject(new StoreQueryError('refused', '22023'))
          : store.registerBatches(request),
    };
    const { errors } = looking(client, refusing);
    await expect.poll(() => standing(batch)).toMatchObject({ failed: 1 });
    await expect.poll(() => errors.length).toBeGreaterThan(1);
    expect(await standing(broken)).toBeUndefined();
  });
});

test('a workflow that cannot be decoded hides no other', async () => {
  const plain = await connectClient();
  const sealed: PayloadCodec = {
    encode: async (payloads) => payloads.map(turn('binary/sealed')),
    decode: async () => Promise.reject(new Error('not needed')),
  };
  const client = new Client({ connection: plain.connection, dataConverter: { payloadCodecs: [sealed] } });
  const [unknown] = (await terminated(client, create(calls(1)))) as [BatchRequest];
  const [batch] = (await terminated(plain, create(calls(1)))) as [BatchRequest];
  const { errors } = looking(plain);
  await expect.poll(() => standing(batch)).toMatchObject({ failed: 1 });
  expect(errors.length).toBeGreaterThan(0);
  expect(await standing(unknown)).toBeUndefined();
});

test('a workflow that was started anew under the same ID does not keep the batches of the one before', async () => {
  const client = await connectClient();
  const [batch] = (await terminated(client, create(calls(1)))) as [BatchRequest];
  const workflowId = workflowIdOf(batch.batch_id);
  const next = { ...batch, batch_id: `${batch.batch_id}next` };
  const handle = await client.workflow.start(DELIVER_WORKFLOW, {
    workflowId,
    taskQueue,
    args: [{ batches: [next] }],
    memo: { batches: [{ batch_id: next.batch_id, user_id: next.user_id, total: 1 }] },
  });
  onTestFinished(async () => {
    await handle.terminate('the test has ended');
  });
  looking(client);
  await expect.poll(() => standing(batch)).toMatchObject({ failed: 1 });
  expect(await standing(next)).toBeUndefined();
});

const turn =
  (encoding: string) =>
  ({ data, metadata }: Payload): Payload => ({
    metadata: { ...metadata, [METADATA_ENCODING_KEY]: Buffer.from(encoding) },
    data: Buffer.from(data ?? []).reverse(),
  });
