import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { expect, it } from 'vitest';
import { wakeSignal } from '../../../contract/index.js';
import { wakeWorkflow } from '../../../worker/wake-workflow.js';

const WAKE = { webhooks: [{ batch_id: 'b-1', call_ids: ['c-1'] }] };

/** What is signaled within a deadline; `signal` says how it ends. */
function fakeClient(signal: (...sent: unknown[]) => Promise<void>) {
  let deadline: number | undefined;
  const deadlines: (number | undefined)[] = [];
  const client = {
    withDeadline: async (until: number, send: () => Promise<void>) => {
      deadline = until;
      await send().finally(() => {
        deadline = undefined;
      });
    },
    workflow: {
      getHandle: (workflowId: string) => ({
        signal: (...args: unknown[]) => {
          deadlines.push(deadline);
          return signal(workflowId, ...args);
        },
      }),
    },
  } as unknown as Client;
  return { client, deadlines };
}

it('a workflow is signaled, within ten seconds', async () => {
  const sent: unknown[][] = [];
  const { client, deadlines } = fakeClient(async (...signal) => void sent.push(signal));
  const from = Date.now();
  await wakeWorkflow(client, 'postcall-1', WAKE);
  expect(sent).toEqual([['postcall-1', wakeSignal, WAKE]]);
  expect(deadlines[0]).toBeGreaterThanOrEqual(from + 10_000);
  expect(deadlines[0]).toBeLessThanOrEqual(Date.now() + 10_000);
});

it('one that has ended needs no signal; any other failure is told', async () => {
  const ended = fakeClient(() => Promise.reject(new WorkflowNotFoundError('gone', 'postcall-1', undefined)));
  await wakeWorkflow(ended.client, 'postcall-1', WAKE);
  const late = fakeClient(() => Promise.reject(new Error('late')));
  await expect(wakeWorkflow(late.client, 'postcall-1', WAKE)).rejects.toThrow('late');
});
