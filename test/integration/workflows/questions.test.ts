import { describe, expect, test } from 'vitest';
import { pauseSignal, progressQuery, resumeSignal, retryNowSignal } from '../../../contract/index.js';
import { AskedAllTheTime } from '../../support/asked-all-the-time.js';
import { names } from '../../support/book-world.js';
import { historiesOf } from '../../support/histories.js';
import { type ScriptedRun, startScripted, withShortRuns } from '../../support/scripted.js';

const RESTARTS = 6;
const RUNS = 8;
const CALLS = 5;

const firedTimers = async ({ client, handle }: ScriptedRun): Promise<number> => {
  const histories = await historiesOf(client, handle.workflowId);
  return histories.flatMap(({ events }) => events ?? []).filter((event) => event.timerFiredEventAttributes).length;
};

/** Questions that wait for a worker which has never heard of the workflow, and are answered before its next workflow task. */
async function askOverRestart(run: ScriptedRun, meanwhile: () => Promise<unknown>): Promise<void> {
  await run.stopWorker();
  const answers = Array.from({ length: 5 }, () => run.handle.query(progressQuery));
  await meanwhile();
  await run.startWorker();
  await Promise.all(answers);
}

describe('played, and its history replayed: a batch that is asked', { timeout: 120_000 }, () => {
  test('decides alike where a query ends its workflow tasks before their local activities', async () => {
    const asked = new AskedAllTheTime();
    const run = await startScripted(await asked.script(), asked.batch);
    await asked.askUntil(20, run);
    expect((await run.handle.result()).batches).toMatchObject([{ delivered: 25 }]);
  });

  test('decides alike where a query brings what has come in since its last workflow task', async () => {
    let isEnough = false;
    const run = await startScripted(
      { deliver: () => (isEnough ? { kind: 'delivered' } : { kind: 'retry', due_in: 1_200, endpoint_failed: false }) },
      { call_ids: names(CALLS) },
    );
    const { handle } = run;
    for (let restart = 0; restart < RESTARTS; restart += 1) {
      await expect.poll(async () => (await handle.query(progressQuery))?.retrying).toBe(CALLS);
      const fired = await firedTimers(run);
      await askOverRestart(run, async () => {
        await expect.poll(() => firedTimers(run), { interval: 20 }).toBeGreaterThan(fired);
        if (restart % 2 === 1) await handle.signal(retryNowSignal, {});
      });
      await handle.signal(retryNowSignal, {});
    }
    isEnough = true;
    expect((await handle.result()).batches).toMatchObject([{ delivered: CALLS }]);
  });

  test('is paused since the pause where a query brings it, and not since its last workflow task', async () => {
    let isEnough = false;
    const run = await startScripted(
      {
        deliver: () =>
          isEnough ? { kind: 'delivered' } : { kind: 'retry', due_in: 3_600_000, endpoint_failed: false },
      },
      { call_ids: names(CALLS) },
    );
    const { handle, checkpoints } = run;
    await expect.poll(async () => (await handle.query(progressQuery))?.retrying).toBe(CALLS);
    for (let restart = 0; restart < RESTARTS; restart += 1) {
      const before = Date.now();
      await askOverRestart(run, () => handle.signal(pauseSignal));
      await expect.poll(() => checkpoints.at(-1)?.batches[0]?.paused_since).toBeGreaterThanOrEqual(before);
      await handle.signal(resumeSignal);
      await expect.poll(() => checkpoints.at(-1)?.batches[0]?.paused_since).toBe(null);
    }
    isEnough = true;
    await handle.signal(retryNowSignal, {});
    expect((await handle.result()).batches).toMatchObject([{ delivered: CALLS }]);
  });

  test('loses no order where it continues as new', async () => {
    const asked = new AskedAllTheTime();
    const run = await startScripted(await asked.script(withShortRuns), asked.batch);
    const last = run.client.workflow.getHandle(run.handle.workflowId);
    const statusIs = (status: string) =>
      expect
        .poll(async () => (await last.query(progressQuery))?.status, { timeout: 15_000, interval: 20 })
        .toBe(status);
    await asked.askDuring(run, async () => {
      while ((await historiesOf(run.client, last.workflowId)).length < RUNS) {
        await last.signal(pauseSignal);
        await statusIs('paused');
        await last.signal(resumeSignal);
        await last.signal(retryNowSignal, {});
        await statusIs('running');
      }
    });
    expect((await last.result()).batches).toMatchObject([{ delivered: 25 }]);
  });
});
