import type { TypedSearchAttributes } from '@temporalio/common';
import { expect, test } from 'vitest';
import { pauseSignal } from '../../../contract/index.js';
import { answer } from '../../support/behaviours.js';
import { freshUser, startTestStack } from '../../support/stack.js';
import { connectClient } from '../../support/temporal.js';

/** Beyond this many events a run hands over to the next. */
const SIGNALS = 4_200;
const AT_ONCE = 100;

const byName = (attributes: TypedSearchAttributes) =>
  new Map(attributes.getAll().map(({ key, value }) => [key.name, value]));

test('what a workflow shows of itself is the same after a continue-as-new', { timeout: 120_000 }, async () => {
  const environment = { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_RETRY_HORIZON: '24h' };
  const { client, receiver, addCalls } = await startTestStack({ environment });
  receiver.behaviour = answer(503);
  const user_id = freshUser();
  const call_ids = await addCalls(20, user_id);
  const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url, options: { down_after: 10 } });
  const { workflow } = await connectClient();
  const handle = workflow.getHandle(batch.workflowId);
  const shown = async () => {
    const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    return currentDetails;
  };
  const { host } = new URL(receiver.url);
  await expect.poll(shown).toMatch(new RegExp(`${host}.*down`, 'i'));
  await batch.pause();
  await expect.poll(shown).toMatch(/paused/i);
  const before = { details: await shown(), description: await handle.describe() };

  for (let sent = 0; sent < SIGNALS; sent += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, () => handle.signal(pauseSignal)));
  const runId = async () => (await handle.describe()).runId;
  await expect.poll(runId, { timeout: 30_000 }).not.toBe(before.description.runId);
  await expect.poll(shown).toBe(before.details);
  const { memo, typedSearchAttributes } = await handle.describe();
  expect(memo).toEqual(before.description.memo);
  expect(byName(typedSearchAttributes)).toEqual(byName(before.description.typedSearchAttributes));
  await batch.cancel();
});
