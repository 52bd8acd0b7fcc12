import { expect, test } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { freshUser, startTestStack } from '../../support/stack.js';
import { connectClient } from '../../support/temporal.js';
import { WorkerProcess } from '../../support/worker-process.js';

/** The stack trace of a batch that waits, from a worker in a process of its own. */
async function stackTrace(LOG_LEVEL: string): Promise<string> {
  const { client, receiver, environment, addCalls } = await startTestStack({ worker: false });
  await WorkerProcess.start({ ...environment, POSTCALL_RETRY_SCHEDULE: '1h', LOG_LEVEL });
  receiver.behaviour = answer(500);
  const user_id = freshUser();
  const batch = await client.create({ user_id, call_ids: await addCalls(1, user_id), webhook_url: receiver.url });
  await expect.poll(async () => (await batch.progress()).retrying).toBe(1);
  const temporal = await connectClient();
  return temporal.workflow.getHandle(batch.workflowId).query<string>('__stack_trace');
}

test('at level debug a workflow says where in its code it waits', async () => {
  expect(await stackTrace('debug')).toMatch(/rest.*deliver-webhooks/s);
});

test('at level info it does not: the traces take time', async () => {
  expect(await stackTrace('info')).not.toContain('    at ');
});
