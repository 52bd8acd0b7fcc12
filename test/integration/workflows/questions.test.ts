import { describe, expect, test } from 'vitest';
import { progressQuery, retryNowSignal } from '../../../contract/index.js';
import { AskedAllTheTime } from '../../support/asked-all-the-time.js';
import { names } from '../../support/book-world.js';
import { historiesOf } from '../../support/histories.js';
import { type ScriptedRun, startScripted } from '../../support/scripted.js';

const RESTARTS = 8;

const firedTimers = async ({ client, handle }: ScriptedRun): Promise<number> => {
  const histories = await historiesOf(client, handle.workflowId);
  return histories.flatMap(({ events }) => events ?? []).filter((event) => event.timerFiredEventAttributes).length;
};

describe('played, and its history replayed: a batch that is asked decides alike', { timeout: 120_000 }, () => {
  test('where a query ends its workflow tasks before their local activities', async () => {
    const asked = new AskedAllTheTime();
    const run = await startScripted(await asked.script(), asked.batch);
    await asked.askUntil(40, run);
    expect((await run.handle.result()).batches).toMatchObject([{ delivered: 25 }]);
  });

  test('where a query brings a worker that does not know it what has come in since its last workflow task', async () => {
    let isEnough = false;
    const run = await startScripted(
      { deliver: () => (isEnough ? { kind: 'delivered' } : { kind: 'retry', due_in: 1_200, endpoint_failed: false }) },
      { call_ids: names(5) },
    );
    const { handle } = run;
    for (let restart = 0; restart < RESTARTS; restart += 1) {
      await expect.poll(async () => (await handle.query(progressQuery))?.retrying).toBe(5);
      await run.stopWorker();
      const fired = await firedTimers(run);
      const answers = Array.from({ length: 5 }, () => handle.query(progressQuery));
      await expect.poll(() => firedTimers(run), { interval: 20 }).toBeGreaterThan(fired);
      if (restart % 2 === 1) await handle.signal(retryNowSignal, {});
      await run.startWorker();
      await handle.signal(retryNowSignal, {});
      for (const answer of await Promise.all(answers)) expect(answer?.retrying).toBe(5);
    }
    isEnough = true;
    expect((await handle.result()).batches).toMatchObject([{ delivered: 5 }]);
  });
});
