import type { Client } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import {
  cancelSignal,
  type DeliveryEnd,
  pauseSignal,
  progressQuery,
  resumeSignal,
  retryNowSignal,
} from '../../../contract/index.js';
import { names } from '../../support/book-world.js';
import { historiesOf } from '../../support/histories.js';
import { inParallel } from '../../support/in-parallel.js';
import { type ScriptedRun, startScripted } from '../../support/scripted.js';

const HOUR = 3_600_000;
const CALLS = 10_000;
/** Signals to the server at once. */
const CONCURRENCY = 100;

const undeliverable = (): DeliveryEnd => ({ kind: 'retry', due_in: HOUR, endpoint_failed: true });

const many = (count: number, send: () => Promise<void>) => inParallel(CONCURRENCY, names(count), send);

async function orderALot({ handle }: ScriptedRun): Promise<void> {
  const strangers = names(1_000, 'stranger');
  await many(2_000, () => handle.signal(retryNowSignal, {}));
  await many(500, async () => {
    await handle.signal(pauseSignal);
    await handle.signal(resumeSignal);
  });
  await many(200, () => handle.signal(retryNowSignal, { call_ids: strangers }));
  await Promise.all(Array.from({ length: 1_500 }, () => handle.signal(retryNowSignal, {})));
}

/** Tasks that failed, but for those that the server closed itself because too many signals waited for their end. */
async function failedTasks(client: Client, workflowId: string): Promise<string[]> {
  const histories = await historiesOf(client, workflowId);
  return histories
    .flatMap(({ events }) => events ?? [])
    .flatMap(({ workflowTaskFailedEventAttributes: failed }) => (failed ? [JSON.stringify(failed)] : []))
    .filter((text) => !/FORCE_CLOSE|UNHANDLED_COMMAND|"cause":(?:1|21)\b/.test(text));
}

describe('played, and its history replayed: a batch of 10,000 calls that cannot be delivered', {
  timeout: 240_000,
}, () => {
  test('bears thousands of orders, without a worker and with one', async () => {
    const run = await startScripted(
      { deliver: undeliverable },
      { call_ids: names(CALLS), options: { down_after: 10 } },
    );
    const { client, handle, sent } = run;
    await expect.poll(() => sent.length).toBe(10);
    await run.stopWorker();
    await orderALot(run);
    await run.startWorker();
    await expect.poll(async () => (await handle.query(progressQuery))?.total, { timeout: 60_000 }).toBe(CALLS);
    await orderALot(run);
    await expect.poll(async () => (await handle.query(progressQuery))?.status, { timeout: 60_000 }).toBe('running');
    expect(new Set(sent).size).toBe(10);
    await handle.signal(cancelSignal);
    expect((await handle.result()).batches).toMatchObject([{ status: 'canceled', canceled: CALLS }]);

    expect(await failedTasks(client, handle.workflowId)).toEqual([]);
    const [withoutWorker, ...later] = await historiesOf(client, handle.workflowId);
    expect(withoutWorker?.events?.length).toBeLessThan(10_000 + 4_700);
    for (const { events } of later) expect(events?.length).toBeLessThan(10_000);
  });
});
