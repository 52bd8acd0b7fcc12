import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../../contract/free-port.js';
import { openStore } from '../../../store/index.js';
import { ProcessMetrics } from '../../../telemetry/index.js';
import { answer, inTurn, neverAnswer, reset } from '../../support/behaviours.js';
import { startPostgres } from '../../support/postgres.js';
import { samplesOf, sumOf } from '../../support/scrape.js';
import { freshUser, startTestStack, testLogger } from '../../support/stack.js';
import { connectClient, freshTaskQueue } from '../../support/temporal.js';
import { WorkerProcess } from '../../support/worker-process.js';

const SCHEDULE = { POSTCALL_RETRY_SCHEDULE: '50ms', POSTCALL_ATTEMPT_TIMEOUT: '5s' };

test('the sum of attempts is what the receiver saw, by outcome and class', async () => {
  const metrics = new ProcessMetrics();
  const { client, receiver, addCalls, stopWorkers } = await startTestStack({ environment: SCHEDULE, metrics });
  const user_id = freshUser();
  const ways = { ok: answer(200), down: inTurn(answer(503), answer(404), answer(204)), gone: answer(410) };
  const more = { slow: inTurn(neverAnswer, answer(200)), cut: inTurn(reset, answer(200)) };
  const behaviours = Object.entries({ ...ways, ...more });
  receiver.behaviour = (request, response) => {
    const [, behaviour] = behaviours.find(([name]) => request.path.endsWith(name)) ?? [];
    // A reset of a reused connection is a second request of the same attempt.
    response.setHeader('connection', 'close');
    behaviour?.(request, response);
  };
  const batches = await Promise.all(
    behaviours.map(async ([name]) => {
      const call_ids = await addCalls(3, user_id);
      return client.create({ user_id, call_ids, webhook_url: receiver.urlFor('127.0.0.1', `/${name}`) });
    }),
  );
  for (const batch of batches) await batch.result().catch(() => undefined);
  await stopWorkers();

  const text = await metrics.text();
  const attempts = (outcome: string, of: string) => sumOf(text, 'postcall_attempts_total', { outcome, class: of });
  expect(sumOf(text, 'postcall_attempts_total')).toBe(receiver.requests.length);
  expect(sumOf(text, 'postcall_attempt_duration_seconds_count')).toBe(receiver.requests.length);
  expect(attempts('delivered', '2xx')).toBe(12);
  expect(attempts('retry', '5xx')).toBe(3);
  expect(attempts('retry', '4xx')).toBe(3);
  expect(attempts('retry', 'timeout')).toBe(3);
  expect(attempts('retry', 'connect')).toBe(3);
  expect(attempts('gone', '4xx')).toBe(receiver.requests.filter(({ path }) => path === '/gone').length);
  expect(sumOf(text, 'postcall_webhooks_settled_total', { status: 'delivered' })).toBe(12);
  expect(sumOf(text, 'postcall_webhooks_settled_total', { status: 'failed' })).toBe(3);
  expect(sumOf(text, 'postcall_accept_to_delivery_seconds_count')).toBe(12);
  expect(sumOf(text, 'postcall_in_flight')).toBe(0);
  expect(sumOf(text, 'postcall_endpoint_transitions_total', { to: 'gone' })).toBe(1);
  const counters = [...text.matchAll(/^# TYPE (postcall_\w+) counter$/gm)].map(([, name = '']) => name);
  expect(counters).toContain('postcall_attempts_total');
  expect(counters.filter((name) => sumOf(text, name) === 0)).toEqual([]);
  const labels = samplesOf(text).flatMap((sample) => Object.values(sample.labels));
  for (const secret of [user_id, '127.0.0.1', ...receiver.requests.map(({ callId }) => callId ?? '')])
    expect(labels.filter((label) => label.includes(secret))).toEqual([]);
});

test('the sum of attempts is what the receiver saw also where a worker dies: the next one counts what was interrupted', {
  timeout: 90_000,
}, async () => {
  const metrics = new ProcessMetrics();
  const environment = { ...SCHEDULE, POSTCALL_ATTEMPT_TIMEOUT: '2s' };
  const stack = await startTestStack({ environment, metrics, worker: false });
  const port = await freePort();
  const doomed = await WorkerProcess.start({
    ...stack.environment,
    POSTCALL_METRICS_PORT: String(port),
  });
  const { receiver } = stack;
  receiver.behaviour = (request, response) =>
    (request.path.endsWith('ok') ? answer(200) : neverAnswer)(request, response);
  const user_id = freshUser();
  const batches = await Promise.all(
    ['/ok', '/hangs'].map(async (path) => {
      const call_ids = await stack.addCalls(3, user_id);
      return stack.client.create({ user_id, call_ids, webhook_url: receiver.urlFor('127.0.0.1', path) });
    }),
  );
  let before = '';
  await expect
    .poll(async () => {
      before = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return [sumOf(before, 'postcall_attempts_total'), sumOf(before, 'postcall_in_flight')];
    })
    .toEqual([3, 3]);
  await doomed.kill();
  receiver.behaviour = answer(200);
  await stack.startWorker();
  for (const batch of batches) await batch.result();
  await stack.stopWorkers();

  const after = await metrics.text();
  expect(sumOf(after, 'postcall_attempts_total', { outcome: 'interrupted', class: 'none' })).toBe(3);
  expect(sumOf(after, 'postcall_attempts_total', { outcome: 'delivered' })).toBe(3);
  expect((sumOf(before, 'postcall_attempts_total') ?? 0) + (sumOf(after, 'postcall_attempts_total') ?? 0)).toBe(
    receiver.requests.length,
  );
});

test('a call that cannot be read counts as unreadable, and what is canceled as settled', async () => {
  const metrics = new ProcessMetrics();
  const callSource = { getCall: async (call_id: string) => ({ call_id, data: '[]' }) };
  const stack = await startTestStack({ environment: SCHEDULE, metrics, callSource });
  const user_id = freshUser();
  await (await stack.client.create({ user_id, call_ids: ['c-1'], webhook_url: stack.receiver.url })).result();
  await stack.stopWorkers();
  const text = await metrics.text();
  expect(sumOf(text, 'postcall_attempts_total', { outcome: 'unreadable', class: 'none' })).toBe(1);
  expect(sumOf(text, 'postcall_webhooks_settled_total', { status: 'failed' })).toBe(1);
});

test('what waits is measured: by status, overdue, and the endpoints that are down', async () => {
  const metrics = new ProcessMetrics();
  const environment = { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_RETRY_HORIZON: '24h' };
  const { client, receiver, addCalls } = await startTestStack({ environment, metrics });
  const user_id = freshUser();
  receiver.behaviour = answer(503);
  const call_ids = await addCalls(15, user_id);
  const webhook_url = receiver.url;
  const batch = await client.create({ user_id, call_ids, webhook_url, options: { down_after: 10 } });
  await expect.poll(async () => (await batch.progress()).endpoints.map(({ state }) => state)).toEqual(['down']);
  await expect
    .poll(async () => sumOf(await metrics.text(), 'postcall_endpoints_down'), { timeout: 50_000, interval: 1_000 })
    .toBe(1);
  const text = await metrics.text();
  const [pending = 0, retrying = 0] = ['pending', 'retrying'].map((status) =>
    sumOf(text, 'postcall_webhooks', { status }),
  );
  expect(pending + retrying).toBe(15);
  expect(sumOf(text, 'postcall_oldest_overdue_seconds')).toBe(0);
  expect(sumOf(text, 'postcall_longest_endpoint_down_seconds')).toBeGreaterThan(0);
  expect(sumOf(text, 'postcall_workflows_running')).toBe(1);
  expect(sumOf(text, 'postcall_workers_polling')).toBe(1);
  expect(sumOf(text, 'postcall_database_up')).toBe(1);
  expect(sumOf(text, 'postcall_temporal_up')).toBe(1);
  await batch.cancel();
  await batch.result().catch(() => undefined);
  expect(sumOf(await metrics.text(), 'postcall_webhooks_settled_total', { status: 'canceled' })).toBe(15);
});

test("the connections of a process's pool are measured", { timeout: 60_000 }, async () => {
  await using postgres = await startPostgres();
  const databaseUrl = await postgres.createDatabase();
  const store = await openStore({ databaseUrl });
  onTestFinished(() => store.close());
  const metrics = new ProcessMetrics();
  metrics.reportBacklog({ store, client: await connectClient(), taskQueue: freshTaskQueue(), logger: testLogger() });
  const connections = async (state: string) => sumOf(await metrics.text(), 'postcall_database_connections', { state });
  const locker = new pg.Client({ connectionString: databaseUrl });
  await locker.connect();
  await locker.query('begin; lock table webhooks');
  await expect.poll(() => connections('in_use'), { timeout: 20_000 }).toBeGreaterThan(0);
  await locker.query('rollback');
  await locker.end();
  await expect.poll(() => connections('in_use'), { timeout: 20_000 }).toBe(0);
  expect(await connections('idle')).toBeGreaterThan(0);
  expect(await connections('waiting')).toBe(0);
});
