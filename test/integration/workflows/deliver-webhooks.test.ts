import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import {
  cancelSignal,
  type DeliveryEnd,
  outcomesQuery,
  pauseSignal,
  progressQuery,
  resumeSignal,
  retryNowSignal,
} from '../../../contract/index.js';
import { names } from '../../support/book-world.js';
import { startScripted, withShortRuns } from '../../support/scripted.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const HOUR = 3_600_000;
const refused = (due_in: number): DeliveryEnd => ({ kind: 'retry', due_in, endpoint_failed: true });
const answered500 = (due_in: number): DeliveryEnd => ({ kind: 'retry', due_in, endpoint_failed: false });

describe('played, and its history replayed: a batch', () => {
  test.each([1, 25, 1_100])('of %i calls is delivered, each call once', async (count) => {
    const { handle, sent } = await startScripted({}, { call_ids: names(count) });
    const { batches } = await handle.result();
    expect(batches).toMatchObject([{ status: 'completed', total: count, delivered: count, errors: [] }]);
    expect([...sent].sort()).toEqual(names(count).sort());
  });

  test('tells the store its counts and its end', async () => {
    const { handle, checkpoints } = await startScripted({}, { call_ids: names(3) });
    await handle.result();
    expect(checkpoints.flatMap(({ batches }) => batches)).toMatchObject([
      { counts: { delivered: 3 }, finished_at: expect.any(Number) },
    ]);
  });

  test('tries a failed call again after its delay, until it is delivered', async () => {
    const attempts = new Map<string, number>();
    const { handle } = await startScripted(
      {
        deliver: ({ call_id }) => {
          const attempt = (attempts.get(call_id) ?? 0) + 1;
          attempts.set(call_id, attempt);
          return attempt < 4 ? answered500(200) : { kind: 'delivered' };
        },
      },
      { call_ids: names(3) },
    );
    expect((await handle.result()).batches).toMatchObject([{ delivered: 3 }]);
    expect([...attempts.values()]).toEqual([4, 4, 4]);
  });

  test('waits for attempts that outlast their round while others go on', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { handle } = await startScripted(
      {
        deliver: ({ call_id }) => (call_id === 'c-0' ? { kind: 'slow' } : { kind: 'delivered' }),
        watch: async () => {
          await gate;
          return { kind: 'delivered' };
        },
      },
      { call_ids: names(40) },
    );
    await expect.poll(async () => (await handle.query(progressQuery))?.delivered).toBe(39);
    release();
    expect((await handle.result()).batches).toMatchObject([{ delivered: 40 }]);
  });

  test('reports rejected and failed calls with their reasons', async () => {
    const { handle } = await startScripted(
      {
        deliver: ({ call_id }) => {
          if (call_id === 'c-0') return { kind: 'rejected', error: 'CallNotFound' };
          if (call_id === 'c-1') return { kind: 'failed', error: 'ScheduleUsedUp', endpoint_failed: false };
          return { kind: 'delivered' };
        },
      },
      { call_ids: names(3) },
    );
    expect((await handle.result()).batches).toMatchObject([
      {
        rejected: 1,
        failed: 1,
        delivered: 1,
        errors: [
          { call_id: 'c-0', error: 'CallNotFound', message: 'call c-0 was not found' },
          { call_id: 'c-1', error: 'ScheduleUsedUp', message: 'the retry schedule is used up' },
        ],
      },
    ]);
    const outcomes = await handle.query(outcomesQuery, { page: 0 });
    expect(outcomes?.outcomes.map(({ status }) => status)).toEqual(['rejected', 'failed', 'delivered']);
  });

  test('leaves a down endpoint to the calls that were tried, and goes on at the first success', async () => {
    let up = false;
    const { handle, sent } = await startScripted(
      { deliver: () => (up ? { kind: 'delivered' } : refused(300)) },
      { call_ids: names(200), options: { max_in_flight: 5, down_after: 10 } },
    );
    await expect.poll(() => sent.length).toBeGreaterThan(30);
    const progress = await handle.query(progressQuery);
    expect(progress?.endpoints).toMatchObject([{ url: 'http://one', state: 'down' }]);
    expect(new Set(sent).size).toBeLessThan(20);
    up = true;
    expect((await handle.result()).batches).toMatchObject([{ delivered: 200 }]);
    expect((await handle.query(progressQuery))?.endpoints).toEqual([]);
  });

  test('settles the calls to an endpoint that is gone, and only those', async () => {
    const { handle, settled } = await startScripted(
      {
        endpointOf: (callId) => (Number(callId.slice(2)) % 2 === 0 ? 'http://a' : 'http://b'),
        deliver: ({ endpoint }) =>
          endpoint.key === 'k-http://a' ? { kind: 'failed', error: 'EndpointGone' } : { kind: 'delivered' },
      },
      { call_ids: names(60), options: { max_in_flight: 2 } },
    );
    expect((await handle.result()).batches).toMatchObject([{ failed: 30, delivered: 30 }]);
    expect(settled.map(({ error }) => error)).toEqual(['EndpointGone']);
    expect((await handle.query(progressQuery))?.endpoints).toMatchObject([{ url: 'http://a', state: 'gone' }]);
  });

  test('fails what the horizon ends, and says of each call how far it came', async () => {
    const { handle } = await startScripted(
      { horizonMs: 1_500, deliver: () => refused(HOUR) },
      { call_ids: names(12), options: { down_after: 3 } },
    );
    const [result] = (await handle.result()).batches;
    expect(result).toMatchObject({ failed: 12 });
    const count = (type: string) => result?.errors.filter(({ error }) => error === type).length;
    expect([count('ScheduleUsedUp'), count('NeverTried')]).toEqual([3, 9]);
  });

  test('waits for a store that is away, and goes on', async () => {
    let answers = false;
    const { handle, sent } = await startScripted({ storeAnswers: () => answers }, { call_ids: names(30) });
    await expect.poll(async () => (await handle.query(progressQuery))?.pending).toBe(30);
    expect(sent).toEqual([]);
    answers = true;
    expect((await handle.result()).batches).toMatchObject([{ delivered: 30 }]);
  });

  test('goes on where what begins a chain of local activities fails once', async () => {
    const faults = [new Error('the codec was away')];
    let isDue = false;
    const { handle, sent } = await startScripted(
      {
        begin: async () => {
          const [fault] = faults.splice(0);
          if (fault) throw fault;
        },
        deliver: () => (isDue ? { kind: 'delivered' } : refused(HOUR)),
      },
      { call_ids: names(3) },
    );
    await expect.poll(() => sent.length).toBe(3);
    isDue = true;
    await handle.signal(retryNowSignal, {});
    expect((await handle.result()).batches).toMatchObject([{ delivered: 3 }]);
    expect(faults).toEqual([]);
  });

  test('asks for pauses, when it is carried over, until the store answers: its run may be one that was reset', async () => {
    let asked = 0;
    let isPaused = true;
    const isAway = () => asked === 1 || asked === 2;
    const codePath = join(await temporaryFolder(), 'bundle.cjs');
    await writeFile(codePath, withShortRuns(await readFile(inject('workflowBundlePath'), 'utf8')));
    const { handle, client } = await startScripted(
      {
        worker: { workflowBundle: { codePath } },
        register: ({ parts }) => {
          if (parts[0]?.call_ids.length === 0) asked += 1;
        },
        storeAnswers: () => !isAway(),
        pausedSince: () => (isPaused && asked > 2 ? Date.now() : null),
        deliver: () => (asked === 0 ? answered500(100) : { kind: 'delivered' }),
      },
      { call_ids: names(25) },
    );
    const last = client.workflow.getHandle(handle.workflowId);
    await expect.poll(async () => (await last.query(progressQuery))?.status, { timeout: 30_000 }).toBe('paused');
    expect(asked).toBe(3);
    isPaused = false;
    await last.signal(resumeSignal);
    expect((await last.result()).batches).toMatchObject([{ delivered: 25 }]);
  });

  test('obeys the last of the orders that came before its first workflow task', async () => {
    const run = await startScripted({}, { call_ids: names(1) });
    await run.handle.result();
    await run.stopWorker();
    const handle = await run.startAnother({ call_ids: names(3, 'paused') });
    for (const order of [pauseSignal, resumeSignal, pauseSignal]) await handle.signal(order);
    await run.startWorker();
    await expect.poll(async () => (await handle.query(progressQuery))?.status).toBe('paused');
    await handle.signal(cancelSignal);
    expect((await handle.result()).batches).toMatchObject([{ canceled: 3 }]);
    expect(run.sent).toEqual(names(1));
  });
});

describe('played, and its history replayed: an order', () => {
  test('to retry makes waiting calls try at once, all or those named', async () => {
    const { handle, sent } = await startScripted(
      { deliver: () => (sent.length > 3 ? { kind: 'delivered' } : answered500(HOUR)) },
      { call_ids: names(3) },
    );
    await expect.poll(async () => (await handle.query(progressQuery))?.retrying).toBe(3);
    await handle.signal(retryNowSignal, { call_ids: ['c-1', 'unknown'] });
    await expect.poll(async () => (await handle.query(progressQuery))?.delivered).toBe(1);
    expect(sent.at(-1)).toBe('c-1');
    await handle.signal(retryNowSignal, {});
    expect((await handle.result()).batches).toMatchObject([{ delivered: 3 }]);
  });

  test('to pause starts nothing until the order to resume', async () => {
    const { handle, sent } = await startScripted(
      { deliver: () => (sent.length > 10 ? { kind: 'delivered' } : answered500(300)) },
      { call_ids: names(10) },
    );
    await expect.poll(() => sent.length).toBe(10);
    await handle.signal(pauseSignal);
    await expect.poll(async () => (await handle.query(progressQuery))?.status).toBe('paused');
    const { length } = sent;
    await expect.poll(async () => (await handle.query(progressQuery))?.status).toBe('paused');
    expect(sent.length).toBe(length);
    await handle.signal(resumeSignal);
    expect((await handle.result()).batches).toMatchObject([{ status: 'completed', delivered: 10 }]);
  });

  test.each(['signal', 'cancellation'])('to cancel settles what is not in flight (by %s)', async (how) => {
    const { handle, settled } = await startScripted(
      { deliver: ({ call_id }) => (call_id === 'c-1' ? { kind: 'delivered' } : answered500(HOUR)) },
      { call_ids: names(3) },
    );
    await expect.poll(async () => (await handle.query(progressQuery))?.retrying).toBe(2);
    await (how === 'signal' ? handle.signal(cancelSignal) : handle.cancel());
    expect((await handle.result()).batches).toMatchObject([{ status: 'canceled', delivered: 1, canceled: 2 }]);
    expect(settled).toMatchObject([{ status: 'canceled', call_ids: ['c-0', 'c-2'] }]);
  });

  test('for one batch leaves the others of its workflow alone', async () => {
    const { handle } = await startScripted(
      { deliver: () => answered500(HOUR) },
      { call_ids: ['a'] },
      { call_ids: ['b'] },
    );
    const [a, b] = await batchIds(handle.workflowId);
    const statusOf = async (batch_id: string) => (await handle.query(progressQuery, { batch_id }))?.status;
    await expect.poll(async () => (await handle.query(progressQuery, { batch_id: b }))?.retrying).toBe(1);
    await handle.signal(cancelSignal, { batch_id: a });
    await expect.poll(() => statusOf(a)).toBe('canceled');
    expect(await statusOf(b)).toBe('running');
    expect(await handle.query(progressQuery, { batch_id: 'b_other.0' })).toBeNull();
    await handle.signal(cancelSignal, { batch_id: b });
    expect((await handle.result()).batches).toMatchObject([{ canceled: 1 }, { canceled: 1 }]);
  });
});

const batchIds = async (workflowId: string): Promise<[string, string]> => {
  const part = workflowId.slice('postcall-'.length);
  return [`${part}.0`, `${part}.1`];
};
