import { expect, test } from 'vitest';
import { arrangePruneSchedule, pruneScheduleId } from '../../../client/prune-schedule.js';
import { freshUser, startTestStack } from '../../support/stack.js';
import { connectClient } from '../../support/temporal.js';

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
