import { expect, inject, test } from 'vitest';
import { arrangePruneSchedule, pruneScheduleId } from '../../../client/prune-schedule.js';
import { freshUser, startTestStack } from '../../support/stack.js';
import { connectClient, freshTaskQueue } from '../../support/temporal.js';
import { jsonLines, runCli } from '../client/run-cli.js';

const DAY_MS = 86_400_000;

test('the Schedule is made, changed and removed, and what it starts removes what is old', {
  timeout: 120_000,
}, async () => {
  const stack = await startTestStack();
  const client = await connectClient();
  const { taskQueue, receiver, store } = stack;
  const user_id = freshUser();
  const call_ids = await stack.addCalls(3, user_id);
  await (await stack.client.create({ user_id, call_ids, webhook_url: receiver.url })).result();
  const arrange = (retentionMs: number | undefined) => arrangePruneSchedule(client, { taskQueue, retentionMs });

  expect(await arrange(undefined)).toBe('none');
  expect(await arrange(90 * DAY_MS)).toBe('created');
  expect(await arrange(90 * DAY_MS)).toBe('unchanged');
  const schedule = client.schedule.getHandle(pruneScheduleId(taskQueue));
  await schedule.pause('not tonight');
  expect(await arrange(1)).toBe('updated');
  expect((await schedule.describe()).state).toMatchObject({ paused: true, note: 'not tonight' });

  await schedule.trigger();
  const left = async () =>
    (await Promise.all(call_ids.map((call_id) => store.getWebhook(user_id, call_id)))).filter(Boolean).length;
  await expect.poll(left).toBe(0);
  expect(receiver.requests).toHaveLength(3);

  expect(await arrange(undefined)).toBe('removed');
  expect(await arrange(undefined)).toBe('none');
});

test('postcall setup makes it where POSTCALL_RETENTION is set, and removes it where it is not', {
  timeout: 120_000,
}, async () => {
  const taskQueue = freshTaskQueue();
  const env = { TEMPORAL_ADDRESS: inject('temporalAddress'), TEMPORAL_TASK_QUEUE: taskQueue };
  const setup = async (retention?: string) => {
    const { exitCode, stdout } = await runCli(['setup', '--json'], {
      env: { ...env, ...(retention && { POSTCALL_RETENTION: retention }) },
    });
    const step = (jsonLines(stdout) as { step: string; status: string }[]).find(({ step }) => step === 'pruning');
    return [exitCode, step?.status];
  };
  expect(await setup()).toEqual([0, 'unchanged']);
  expect(await setup('90d')).toEqual([0, 'done']);
  expect(await setup('90d')).toEqual([0, 'unchanged']);
  const { action } = await (await connectClient()).schedule.getHandle(pruneScheduleId(taskQueue)).describe();
  expect(action).toMatchObject({ workflowType: 'pruneWebhooks', args: [{ older_than_ms: 90 * DAY_MS }] });
  expect(await setup()).toEqual([0, 'done']);
});
