import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Client } from '@temporalio/client';
import { beforeAll, describe, expect, test } from 'vitest';
import { workflowPartOfKey } from '../../../client/digests.js';
import { batchId, type DeliverMemo, MAX_CALLS_PER_ORDER, workflowIdOf } from '../../../contract/index.js';
import type { Store } from '../../../store/index.js';
import { type ApiUser, sharedApi, startTestApi, userWith } from '../../support/api.js';

const CREATE = '/v1/postcall/webhooks/create';
const ENDPOINT = 'https://example.com/hooks';
/** What a parser would change: a number beyond a double's precision, a trailing zero, a key that occurs twice, an escape. */
const PAYLOAD = '{"id":12345678901234567890,"price":1.10,"a":1,"a":2,"text":"\\u00e9"}';

const api = sharedApi({ worker: false });
let temporal: Client;
let store: Store;

beforeAll(() => {
  const { connection, store: opened } = api().stack;
  temporal = new Client({ connection });
  store = opened;
});

const newUser = () => api().newUser();

const batchOf = (location: string | null): string => location?.split('/').at(-1) ?? '';

/** Registers a batch as its worker would. */
async function register(user: ApiUser, batch_id: string, call_ids: string[]): Promise<void> {
  const part = {
    batch_id,
    user_id: user.userId,
    send_type: 'create' as const,
    webhook_url: ENDPOINT,
    call_ids,
    offset: 0,
    total: call_ids.length,
  };
  await store.registerBatches({
    workflow_id: workflowIdOf(batch_id),
    accepted_at: Date.now(),
    parts: [part],
    calls: true,
  });
}

/** Delivers a call of a registered batch as a worker would. */
async function deliver(user: ApiUser, batch_id: string, call_id: string): Promise<void> {
  const ref = { batch_id, user_id: user.userId, call_id };
  const opened = await store.openAttempt({ ...ref, send_type: 'create', timeout_ms: 15_000, ordered: false });
  if (opened.kind !== 'opened') throw new Error(`expected an opened attempt, got ${opened.kind}`);
  const end = { response_code: 200, response_time_ms: 7, error: null, endpoint_failed: false };
  await store.closeAttempt({ ...ref, ...end, seq: opened.seq, next: { status: 'delivered' } });
}

async function addCalls(user: ApiUser, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => `c-${randomUUID()}`);
  await store.upsertCalls(ids.map((call_id) => ({ call_id, user_id: user.userId, data: PAYLOAD })));
  return ids;
}

describe('without a worker', () => {
  test('a batch is accepted, and is known by its owner, total and calls pending', async () => {
    const user = await newUser();
    const { status, headers, body } = await user.post(
      CREATE,
      { call_ids: ['a', 'b'], webhook_url: ENDPOINT },
      { prefer: 'wait=0' },
    );
    expect([status, body]).toEqual([202, { data: [], errors: null }]);
    const location = headers.get('location') ?? '';
    const known = await user.get(location);
    expect(known.status).toBe(200);
    expect(known.body.data).toMatchObject({
      batch_id: batchOf(location),
      status: 'running',
      total: 2,
      pending: 2,
      endpoints: [],
    });
    expect((await user.get(`${location}/webhooks`)).body).toEqual({ data: [], errors: null, next_cursor: null });
    const stranger = await newUser();
    for (const path of [location, `${location}/webhooks`]) expect((await stranger.get(path)).status).toBe(404);
    expect((await stranger.post(`${location}/cancel`)).status).toBe(404);
  });

  test.each(['pause', 'resume', 'retry', 'cancel'])('%s is durable when answered', async (order) => {
    const user = await newUser();
    const { headers } = await user.post(CREATE, { call_ids: ['a'], webhook_url: ENDPOINT }, { prefer: 'wait=0' });
    const location = headers.get('location') ?? '';
    const { status, body } = await user.post(`${location}/${order}`);
    expect([status, body]).toMatchObject([200, { data: { total: 1, pending: 1 }, errors: null }]);
    const { events } = await temporal.workflow.getHandle(workflowIdOf(batchOf(location))).fetchHistory();
    const signals = events?.flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => signal?.signalName ?? []);
    expect(signals).toEqual([order === 'retry' ? 'retryNow' : order]);
  });

  test('an order to a finished batch changes nothing, and asks nothing of the workflow service', async () => {
    const user = await newUser();
    const [call = ''] = await addCalls(user, 1);
    const batch_id = `b_${randomUUID()}.0`;
    await register(user, batch_id, [call]);
    await deliver(user, batch_id, call);
    const counts = { total: 1, delivered: 1, retrying: 0, failed: 0, rejected: 0, canceled: 0, pending: 0 };
    const end = { paused_ms: 0, paused_since: null, finished_at: Date.now() };
    await store.checkpoint({ batches: [{ batch_id, counts, ...end }], endpoints: [] });
    const known = await user.get(`/v1/postcall/batches/${batch_id}`);
    expect(known.body.data).toMatchObject({ status: 'completed', delivered: 1 });
    const { status, body } = await user.post(`/v1/postcall/batches/${batch_id}/cancel`);
    expect([status, body]).toEqual([200, known.body]);
  });

  test.each([
    ['more than 1,000 calls', Array.from({ length: MAX_CALLS_PER_ORDER + 1 }, (_, index) => `${index}`)],
    ['more than 64 kB', Array.from({ length: 600 }, (_, index) => `${index}`.padEnd(120, 'x'))],
  ])('a retry of %s is answered with 413', async (_, call_ids) => {
    const user = await newUser();
    const { headers } = await user.post(CREATE, { call_ids: ['a'], webhook_url: ENDPOINT }, { prefer: 'wait=0' });
    const { status, body } = await user.post(`${headers.get('location')}/retry`, { call_ids });
    expect(status).toBe(413);
    expect(body).toMatchObject({ data: null, errors: [{ error: 'invalid_parameter' }] });
  });
});

describe('a wait for first attempts', () => {
  /** A request that waits, and the batch that it has started. */
  async function waiting(user: ApiUser, call_ids: string[], seconds = 60) {
    const headers = { prefer: `wait=${seconds}`, 'idempotency-key': 'k' };
    const answer = user.post(CREATE, { call_ids, webhook_url: ENDPOINT }, headers);
    const workflow = temporal.workflow.getHandle(workflowIdOf(batchId(workflowPartOfKey(user.userId, 'k'), '0')));
    const memo = async () => {
      const { memo } = await workflow.describe();
      return memo as unknown as DeliverMemo;
    };
    await expect.poll(() => memo().catch(() => undefined)).toBeDefined();
    const [batch] = (await memo()).batches;
    return { answer, batch_id: batch?.batch_id ?? '' };
  }

  test('ends when the store has them all, and shows the stored text', async () => {
    const user = await newUser();
    const [call = ''] = await addCalls(user, 1);
    const { answer, batch_id } = await waiting(user, ['c-none', call]);
    await register(user, batch_id, ['c-none', call]);
    await deliver(user, batch_id, call);
    const { status, text, body } = await answer;
    expect(status).toBe(200);
    expect(body.data).toMatchObject([{ call_id: call, status: 'delivered', metadata: [{ response_code: 200 }] }]);
    expect(text).toContain(`"payload":${PAYLOAD},`);
    expect(body.errors).toMatchObject([{ error: 'invalid_parameter', call_id: 'c-none' }]);
    for (const path of [`/v1/postcall/webhooks/${call}`, `/v1/postcall/batches/${batch_id}/webhooks`]) {
      expect((await user.get(path)).text).toContain(`"payload":${PAYLOAD},`);
    }
  });

  test('ends at its time with what is known, the rejected calls included', async () => {
    const user = await newUser();
    const [call = ''] = await addCalls(user, 1);
    const { answer, batch_id } = await waiting(user, [call, 'c-none'], 3);
    await register(user, batch_id, [call, 'c-none']);
    const { status, body } = await answer;
    expect(status).toBe(202);
    expect(body.data).toMatchObject([{ call_id: call, status: 'pending', metadata: [] }]);
    expect(body.errors).toMatchObject([{ call_id: 'c-none' }]);
  });

  test('ends with 400 when every call was rejected', async () => {
    const user = await newUser();
    const { answer, batch_id } = await waiting(user, ['c-2', 'c-1']);
    await register(user, batch_id, ['c-2', 'c-1']);
    const { status, headers, body } = await answer;
    expect(status).toBe(400);
    expect(headers.get('location')).toBeNull();
    expect(body.errors.map(({ call_id }: { call_id: string }) => call_id)).toEqual(['c-2', 'c-1']);
  });

  test('ends when the server closes', async () => {
    const user = await newUser();
    const { app, url } = await startTestApi(api().stack);
    const answer = userWith(url, user.userId, user.key).post(CREATE, { call_ids: ['c'], webhook_url: ENDPOINT });
    await expect
      .poll(async () => (await userWith(url, user.userId, user.key).get('/metrics')).text)
      .toMatch(/requests_in_flight 2/);
    await app.close();
    expect((await answer).status).toBe(202);
  });
});

describe('a closing server', () => {
  test.each([
    ['that was never used', ''],
    ['whose request is still to come', 'POST /v1/postcall/webhooks/create HTTP/1.1\r\nHost: x\r\n'],
  ])('ends a connection %s', async (_, bytes) => {
    const { app, url } = await startTestApi(api().stack);
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');
    const accepted = once(app.server, 'connection');
    socket.write(bytes);
    await accepted;
    await app.close();
    await closed;
  });
});
