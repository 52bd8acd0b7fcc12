import { expect, test } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { captureLog } from '../../support/captured-log.js';
import { freshUser, startTestStack } from '../../support/stack.js';

const INFO = 30;
const WARN = 40;

interface Line extends Record<string, unknown> {
  level: number;
  msg: string;
}

/** A worker with its log, and an endpoint whose URL has a secret. */
async function logged(environment: Record<string, string>) {
  const { lines, logger } = captureLog('info');
  const stack = await startTestStack({ environment, logger });
  const parsed = () => lines.map((line): Line => JSON.parse(line));
  const user_id = freshUser();
  const webhook_url = `${stack.receiver.url}?token=s3cret`;
  return {
    ...stack,
    user_id,
    host: new URL(webhook_url).host,
    create: async (count: number) => {
      const call_ids = await stack.addCalls(count, user_id);
      return stack.client.create({ user_id, call_ids, webhook_url });
    },
    text: () => lines.join(''),
    linesOf: (msg: string) => parsed().filter((line) => line.msg === msg),
  };
}

test('a failed attempt is a line, up to five for each endpoint and minute, with a count of the others', async () => {
  const log = await logged({ POSTCALL_RETRY_SCHEDULE: '1h' });
  log.receiver.behaviour = answer(404);
  const batch = await log.create(12);
  await expect.poll(async () => (await batch.progress()).retrying).toBe(12);
  const lines = log.linesOf('an attempt failed');
  expect(lines.length).toBe(5);
  expect(lines[0]).toMatchObject({
    level: INFO,
    batch_id: batch.batchId,
    call_id: expect.stringMatching(/^c-/),
    user_id: log.user_id,
    host: log.host,
    attempt: 1,
    response_code: 404,
    error: null,
  });
  const next = Date.parse(String(lines[0]?.next_attempt_at)) - Date.now();
  expect(next).toBeGreaterThan(40 * 60_000);
  await batch.cancel();
  await batch.result().catch(() => undefined);
  await log.stopWorkers();
  expect(log.linesOf('more attempts failed')).toMatchObject([{ user_id: log.user_id, host: log.host, left_out: 7 }]);
  expect(log.linesOf('webhooks were canceled')).toMatchObject([{ level: INFO, batch_id: batch.batchId, webhooks: 12 }]);
  expect(log.text()).not.toContain('s3cret');
  expect(log.text()).not.toContain('Wants a call back');
});

test('an endpoint that goes down and comes back is a warning each', async () => {
  const log = await logged({ POSTCALL_RETRY_SCHEDULE: '1s', POSTCALL_PROBE_INTERVAL: '1s' });
  log.receiver.behaviour = answer(503);
  const batch = await log.create(15);
  const endpoint = { level: WARN, user_id: log.user_id, host: log.host };
  await expect
    .poll(() => log.linesOf('an endpoint is down: its webhooks wait, and it is probed'))
    .toMatchObject([{ ...endpoint, state: 'down' }]);
  log.receiver.behaviour = answer(200);
  expect(await batch.result()).toMatchObject({ delivered: 15 });
  await expect.poll(() => log.linesOf('an endpoint is back')).toMatchObject([{ ...endpoint, state: 'up' }]);
});

test('an endpoint that is gone, and what failed for it, are warnings', async () => {
  const log = await logged({});
  log.receiver.behaviour = answer(410);
  const batch = await log.create(1);
  await batch.result();
  await expect.poll(() => log.linesOf('a webhook failed for good').length).toBe(1);
  expect(log.linesOf('a webhook failed for good')).toMatchObject([
    { level: WARN, batch_id: batch.batchId, user_id: log.user_id, host: log.host, error: 'EndpointGone' },
  ]);
  expect(log.linesOf('an endpoint is gone: its webhooks fail')).toMatchObject([{ level: WARN, host: log.host }]);
});

test('what failed at its horizon is one warning for each batch', async () => {
  const log = await logged({ POSTCALL_RETRY_SCHEDULE: '50ms', POSTCALL_RETRY_HORIZON: '1s' });
  log.receiver.behaviour = answer(500);
  const batch = await log.create(3);
  await batch.result();
  const failed = { level: WARN, batch_id: batch.batchId, user_id: log.user_id, error: 'ScheduleUsedUp', webhooks: 3 };
  await expect.poll(() => log.linesOf('webhooks failed for good')).toMatchObject([failed]);
  expect(log.text()).not.toContain('s3cret');
});
