import { expect, test } from 'vitest';
import {
  BatchNotFoundError,
  type CallOutcome,
  IdempotencyConflictError,
  type Progress,
  WorkerUnavailableError,
} from '../../../client/index.js';
import { answer, delayed, neverAnswer } from '../../support/behaviours.js';
import { type Scene, sharedTestStack, startScene } from '../../support/stack.js';

/** Waiting calls stay where a test wants them; the first probe would come at a random moment of the first interval. */
const stack = sharedTestStack({ environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_PROBE_INTERVAL: '24h' } });

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const settledOf = ({ delivered, failed, rejected, canceled }: Progress): number =>
  delivered + failed + rejected + canceled;

test('a batch is followed from its start to its end', async () => {
  const { client, user_id, addCalls, receiver } = await startScene(stack());
  const call_ids = await addCalls(25);
  const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url });

  const seen = await collect(batch.watch({ interval: 10 }));
  expect(seen.at(-1)).toMatchObject({ batch_id: batch.batchId, status: 'completed', total: 25, delivered: 25 });
  expect(seen.map(settledOf)).toEqual(seen.map(settledOf).sort((a, b) => a - b));
  expect(seen.at(-1)).not.toHaveProperty('user_id');

  expect(await batch.result()).toMatchObject({ status: 'completed', delivered: 25, errors: [] });
  expect(await batch.report()).toMatchObject({ user_id, endpoints: [] });
  expect(await batch.describe()).toMatchObject({ status: 'finished', finished_at: expect.any(String) });
  expect(receiver.requests).toHaveLength(25);
});

test('a batch with calls that do not exist says which', async () => {
  const { client, user_id, addCalls, receiver } = await startScene(stack());
  const [existing = ''] = await addCalls(1);
  const batch = await client.create({ user_id, call_ids: ['nope', existing], webhook_url: receiver.url });
  const result = await batch.result();
  expect(result).toMatchObject({ status: 'completed', delivered: 1, rejected: 1 });
  expect(result.errors).toMatchObject([{ call_id: 'nope', error: 'CallNotFound' }]);
  expect(await collect(batch.outcomes({ status: 'rejected' }))).toMatchObject([{ call_id: 'nope' }]);
  expect((await collect(batch.outcomes())).map(({ call_id }) => call_id)).toEqual(['nope', existing]);
});

test('a repeated request returns the batch also when it has finished', async () => {
  const { client, user_id, addCalls, receiver } = await startScene(stack());
  const request = {
    user_id,
    call_ids: await addCalls(1),
    webhook_url: receiver.url,
    idempotency_key: receiver.url,
  };
  const first = await client.create(request);
  await first.result();
  const repeated = await client.create(request);
  expect(repeated.batchId).toBe(first.batchId);
  expect(await repeated.result()).toEqual(await first.result());
  expect(receiver.requests).toHaveLength(1);
});

test('a waiting call tries again at once when told to, and only that one', async () => {
  const { client, user_id, addCalls, receiver } = await startScene(stack(), answer(500));
  const [first = '', second = ''] = await addCalls(2);
  const batch = await client.create({ user_id, call_ids: [first, second], webhook_url: receiver.url });
  await expect.poll(() => batch.progress(), { timeout: 20_000 }).toMatchObject({ retrying: 2 });

  // Another success would wake the other call.
  receiver.behaviour = answer(501);
  expect(await batch.retryNow({ call_ids: [second] })).toBe(true);
  await expect.poll(() => receiver.requestsOf(second).length, { timeout: 20_000 }).toBe(2);

  receiver.behaviour = answer(200);
  expect(await batch.retryNow()).toBe(true);
  expect(await batch.result()).toMatchObject({ delivered: 2 });
  expect(receiver.requestsOf(first)).toHaveLength(2);
  expect(receiver.requestsOf(second)).toHaveLength(3);
});

test('a batch pauses, goes on and is canceled, and each order may be repeated', async () => {
  const { client, user_id, addCalls, receiver } = await startScene(stack(), answer(500));
  const call_ids = await addCalls(3);
  const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url });
  await expect.poll(() => batch.progress(), { timeout: 20_000 }).toMatchObject({ retrying: 3 });

  expect([await batch.pause(), await batch.pause()]).toEqual([true, true]);
  await expect.poll(() => batch.progress()).toMatchObject({ status: 'paused' });
  expect([await batch.resume(), await batch.resume()]).toEqual([true, true]);
  await expect.poll(() => receiver.requests.length, { timeout: 20_000 }).toBe(6);
  expect([await batch.cancel()]).toEqual([true]);
  expect(await batch.result()).toMatchObject({ status: 'canceled', canceled: 3 });
  expect([await batch.cancel(), await batch.pause(), await batch.retryNow()]).toEqual([false, false, false]);
});

test('a wait for first attempts ends when each call has had one', async () => {
  const { client, user_id, addCalls, receiver } = await startScene(stack(), answer(500));
  const call_ids = await addCalls(5);
  const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url });
  expect(await batch.firstAttempts({ timeoutMs: 30_000 })).toBe(true);
  expect(await batch.progress()).toMatchObject({ retrying: 5, pending: 0 });
});

test('a wait for first attempts ends with its time when an endpoint does not answer', async () => {
  const { client, user_id, addCalls, receiver } = await startScene(stack(), neverAnswer);
  const call_ids = await addCalls(1);
  const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url });
  expect(await batch.firstAttempts({ timeoutMs: 2_000 })).toBe(false);
  expect(receiver.requests).toHaveLength(1);
  receiver.behaviour = answer(200);
  await receiver.close();
});

test('a large batch adds up while it runs, and its outcomes are read page by page', { timeout: 120_000 }, async () => {
  const { client, user_id, addCalls, receiver } = await startScene(stack(), (request, response) =>
    answer(request.callId?.endsWith('77') ? 500 : 200)(request, response),
  );
  const call_ids = await addCalls(1_200);
  const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url });
  const seen: Progress[] = [];
  for await (const progress of batch.watch({ interval: 50 })) {
    seen.push(progress);
    if (progress.pending === 0) break;
  }
  for (const progress of seen) {
    expect(progress.total).toBe(1_200);
    expect(settledOf(progress) + progress.retrying + progress.pending).toBe(1_200);
  }
  expect(seen.map(settledOf)).toEqual(seen.map(settledOf).sort((a, b) => a - b));
  expect(await batch.progress()).toMatchObject({ delivered: 1_188, retrying: 12 });

  const outcomes = await collect(batch.outcomes());
  expect(outcomes.map(({ call_id }) => call_id)).toEqual(call_ids);
  const retrying = outcomes.filter(({ status }: CallOutcome) => status === 'retrying');
  expect(retrying.map(({ call_id }) => call_id)).toEqual(call_ids.filter((callId) => callId.endsWith('77')));

  receiver.behaviour = answer(200);
  await batch.retryNow();
  expect(await batch.result()).toMatchObject({ delivered: 1_200 });
});

/** Batches of one call that share a workflow, in the order of the calls. */
async function sharedBatches({ client, user_id, receiver }: Scene, callIds: readonly string[]) {
  const create = (callId: string) => client.create({ user_id, call_ids: [callId], webhook_url: receiver.url });
  const batches = await Promise.all(callIds.map(create));
  expect(new Set(batches.map(({ workflowId }) => workflowId)).size).toBe(1);
  return batches;
}

test('a batch that shares its workflow has its own result, also while another one goes on', async () => {
  const scene = await startScene(stack(), (request, response) =>
    answer(request.callId === 'c-0' ? 500 : 200)(request, response),
  );
  const [failing, good, alsoGood, rejected] = await sharedBatches(scene, [...(await scene.addCalls(3)), 'nope']);
  expect(await good?.result()).toMatchObject({ batch_id: good?.batchId, total: 1, delivered: 1, errors: [] });
  expect(await alsoGood?.result()).toMatchObject({ batch_id: alsoGood?.batchId, delivered: 1 });
  expect(await rejected?.result()).toMatchObject({ rejected: 1, errors: [{ call_id: 'nope', error: 'CallNotFound' }] });
  expect(await failing?.progress()).toMatchObject({ status: 'running', total: 1 });

  scene.receiver.behaviour = answer(200);
  expect(await failing?.retryNow()).toBe(true);
  expect(await failing?.result()).toMatchObject({ batch_id: failing?.batchId, delivered: 1 });
  // Now that the workflow has ended, its result tells.
  expect(await good?.result()).toMatchObject({ batch_id: good?.batchId, delivered: 1 });
});

test('an order for a batch that shares its workflow is for that batch alone', async () => {
  const scene = await startScene(stack(), answer(500));
  const batches = await sharedBatches(scene, await scene.addCalls(3));
  const [first, second, third] = batches;
  for (const batch of batches) await expect.poll(() => batch.progress()).toMatchObject({ retrying: 1 });
  await first?.cancel();
  await second?.pause();
  expect(await first?.result()).toMatchObject({ status: 'canceled', canceled: 1 });
  await expect.poll(() => second?.progress()).toMatchObject({ status: 'paused' });
  expect(await third?.progress()).toMatchObject({ status: 'running', retrying: 1 });
  const other = scene.client.getHandle(`${first?.batchId.split('.')[0]}.ffffffff`);
  await expect(other.progress()).rejects.toThrow(BatchNotFoundError);
  await expect(collect(other.outcomes())).rejects.toThrow(BatchNotFoundError);
});

test('a key whose every call was rejected starts anew for the same request, and for no other', async () => {
  const { client, user_id, addCalls, receiver } = await startScene(stack());
  const request = { user_id, call_ids: ['c-0'], webhook_url: receiver.url, idempotency_key: receiver.url };
  const rejected = await client.create(request);
  expect(await rejected.result()).toMatchObject({ status: 'completed', total: 1, rejected: 1 });
  expect(await rejected.progress()).toMatchObject({ rejected: 1 });
  expect(await rejected.describe()).toMatchObject({ status: 'finished' });
  expect(await collect(rejected.outcomes())).toMatchObject([{ call_id: 'c-0', status: 'rejected' }]);

  await addCalls(1);
  await expect(client.create({ ...request, call_ids: ['c-1'] })).rejects.toThrow(IdempotencyConflictError);
  const [first, second] = await Promise.all([client.create(request), client.create(request)]);
  expect(first?.batchId).not.toBe(rejected.batchId);
  expect(second?.batchId).toBe(first?.batchId);
  expect(await first?.result()).toMatchObject({ delivered: 1 });
  expect((await client.create(request)).batchId).toBe(first?.batchId);
  await expect(rejected.describe()).rejects.toThrow(BatchNotFoundError);
});

test('200 requests with keys of their own at once are 200 batches, and a repeat of each is answered with the first', {
  timeout: 120_000,
}, async () => {
  const { client, user_id, addCalls, receiver } = await startScene(stack());
  const requests = (await addCalls(200)).map((callId) => ({
    user_id,
    call_ids: [callId],
    webhook_url: receiver.url,
    idempotency_key: callId,
  }));
  const idsOf = async () =>
    (await Promise.all(requests.map((request) => client.create(request)))).map(({ batchId }) => batchId);
  const first = await idsOf();
  expect(new Set(first).size).toBe(200);
  expect(await idsOf()).toEqual(first);
  await expect.poll(() => receiver.requests.length, { timeout: 60_000 }).toBe(200);
});

test('a watch bears a worker that is away for a while, and no longer', async () => {
  const { client, user_id, addCalls, receiver, stopWorkers, startWorker } = await startScene(stack(), answer(500));
  const call_ids = await addCalls(1);
  const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url });
  await batch.firstAttempts({ timeoutMs: 30_000 });
  await stopWorkers();
  await expect(batch.watch({ interval: 10, patience: 0 }).next()).rejects.toThrow(WorkerUnavailableError);
  const patient = batch.watch({ interval: 10, patience: 50_000 }).next();
  await startWorker();
  expect((await patient).value).toMatchObject({ retrying: 1 });
});

test('failed webhooks are listed in pages and sent again, as the options of their batches say', async () => {
  const { client, user_id, addCalls, receiver } = await startScene(stack(), answer(410));
  const since = new Date(Date.now() - 3_600_000).toISOString();
  const call_ids = await addCalls(5);
  const gone = await client.create({ user_id, call_ids, webhook_url: receiver.url });
  expect(await gone.result()).toMatchObject({ failed: 5 });

  const first = await client.listFailed({ user_id, since, limit: 3 });
  expect(first.webhooks).toHaveLength(3);
  const rest = await client.listFailed({ user_id, since, limit: 3, cursor: first.next_cursor ?? '' });
  const listed = [...first.webhooks, ...rest.webhooks];
  expect(listed.map(({ call_id }) => call_id).sort()).toEqual(call_ids);
  expect(listed[0]).toMatchObject({ batch_id: gone.batchId, url: receiver.url });
  expect(rest.next_cursor).toBeNull();
  expect((await client.listFailed({ user_id: 'somebody-else', since })).webhooks).toEqual([]);
  expect((await client.listFailed({ user_id, since, url: 'https://example.com/' })).webhooks).toEqual([]);

  receiver.clear();
  receiver.behaviour = delayed(50, answer(200));
  const resend = await client.resendFailed({ user_id, since, options: { max_in_flight: 1 } });
  const { batches, calls } = await resend.result();
  expect(calls).toBe(5);
  for (const batchId of batches) {
    expect(await client.getHandle(batchId).describe()).toMatchObject({ user_id });
    expect(await client.getHandle(batchId).result()).toMatchObject({ delivered: 5 });
  }
  expect(receiver.maxInFlight).toBe(1);
  expect((await client.listFailed({ user_id, since })).webhooks).toEqual([]);
});

test('a webhook that was delivered is sent again on request', async () => {
  const { client, user_id, addCalls, receiver } = await startScene(stack());
  const call_ids = await addCalls(1);
  await (await client.create({ user_id, call_ids, webhook_url: receiver.url })).result();
  const resent = await client.resend({ user_id, call_ids });
  expect(await resent.result()).toMatchObject({ delivered: 1 });
  expect(new Set(receiver.requests.map(({ webhookId }) => webhookId)).size).toBe(1);
  expect(receiver.requests).toHaveLength(2);
});
