import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeliveryInput, WatchInput } from '../../../contract/index.js';
import { type Store, StoreUnavailableError } from '../../../store/index.js';
import { registerDelivery, startProcess, type TestProcess } from '../../support/activities.js';
import { answer, type Behaviour, delayed, neverAnswer } from '../../support/behaviours.js';
import { openScratchStore } from '../../support/pglite-template.js';
import { Receiver } from '../../support/receiver.js';

let store: Store;
beforeAll(async () => {
  store = await openScratchStore();
});
afterAll(() => store.close());

const watched = (window_ms: number, ...inputs: DeliveryInput[]): WatchInput => ({
  window_ms,
  groups: inputs.map(({ batch_id, user_id, send_type, call_id }) => ({
    batch_id,
    user_id,
    send_type,
    call_ids: [call_id],
  })),
});

/** A webhook whose attempt goes on. */
async function slowDelivery(worker: TestProcess, webhook_url: string) {
  const input = await registerDelivery(store, { webhook_url });
  expect(await worker.deliverLocally(input)).toMatchObject({ kind: 'slow' });
  return input;
}

/** Answers when it is told to. */
function held(status: number) {
  const waiting: (() => void)[] = [];
  const behaviour: Behaviour = (request, response) => waiting.push(() => answer(status)(request, response));
  const release = () => {
    for (const send of waiting.splice(0)) send();
  };
  return { behaviour, release };
}

describe.each(['the process that makes the attempts', 'another process'])('a watch in %s', (where) => {
  const watcherOf = (worker: TestProcess) =>
    where === 'another process' ? startProcess({ store, attemptTimeoutMs: 3_000 }) : worker;

  test.each([
    [200, { kind: 'delivered' }],
    [500, { kind: 'retry', endpoint_failed: true, due_in: expect.any(Number) }],
    [404, { kind: 'retry', endpoint_failed: false, due_in: expect.any(Number) }],
    [410, { kind: 'failed', error: 'EndpointGone' }],
  ])('brings the end of an attempt that is answered %i', async (status, end) => {
    const endpoint = held(status);
    await using receiver = await Receiver.start({ behaviour: endpoint.behaviour });
    const worker = startProcess({ store, attemptTimeoutMs: 3_000 });
    const input = await slowDelivery(worker, receiver.url);
    const watch = watcherOf(worker).watchAttempts(watched(10_000, input));
    endpoint.release();
    expect((await watch).ends).toMatchObject([[0, 0, end]]);
    await worker.idle();
  });

  test('brings an end that came before it', async () => {
    const endpoint = held(500);
    await using receiver = await Receiver.start({ behaviour: endpoint.behaviour });
    const worker = startProcess({ store, attemptTimeoutMs: 3_000 });
    const input = await slowDelivery(worker, receiver.url);
    endpoint.release();
    await worker.idle();
    const { ends } = await watcherOf(worker).watchAttempts(watched(10_000, input));
    expect(ends).toMatchObject([[0, 0, { kind: 'retry', endpoint_failed: true }]]);
  });

  test('returns at the end of its window with what has ended by then', async () => {
    await using receiver = await Receiver.start({ behaviour: neverAnswer });
    const worker = startProcess({ store, attemptTimeoutMs: 2_000 });
    const input = await slowDelivery(worker, receiver.url);
    expect(await watcherOf(worker).watchAttempts(watched(300, input))).toEqual({ ends: [] });
  });

  test('returns soon after the first end, and leaves the others to the next watch', async () => {
    const endpoint = held(200);
    await using fast = await Receiver.start({ behaviour: endpoint.behaviour });
    await using slow = await Receiver.start({ behaviour: delayed(2_500, answer(200)) });
    const worker = startProcess({ store, attemptTimeoutMs: 5_000 });
    const inputs = [await slowDelivery(worker, slow.url), await slowDelivery(worker, fast.url)];
    endpoint.release();
    const watcher = watcherOf(worker);
    expect((await watcher.watchAttempts(watched(10_000, ...inputs))).ends).toEqual([[1, 0, { kind: 'delivered' }]]);
    expect((await watcher.watchAttempts(watched(10_000, ...inputs.slice(0, 1)))).ends).toEqual([
      [0, 0, { kind: 'delivered' }],
    ]);
  });

  test.each(['stopping', 'cancel'] as const)('returns when there is %s, and the attempt goes on', async (what) => {
    const endpoint = held(200);
    await using receiver = await Receiver.start({ behaviour: endpoint.behaviour });
    const worker = startProcess({ store, attemptTimeoutMs: 3_000 });
    const input = await slowDelivery(worker, receiver.url);
    const watcher = watcherOf(worker);
    const watch = watcher.watchAttempts(watched(60_000, input));
    if (what === 'stopping') watcher.stopping.stop();
    else watcher.cancel();
    expect(await watch).toEqual({ ends: [] });
    endpoint.release();
    await worker.idle();
    expect(await store.getWebhook(input.user_id, input.call_id)).toMatchObject({ status: 'delivered' });
  });
});

describe('a watch', () => {
  test('says that an attempt was interrupted whose process died, at its deadline', async () => {
    const input = await registerDelivery(store, { webhook_url: 'http://127.0.0.1:1/' });
    const { batch_id, user_id, call_id, send_type } = input;
    await store.openAttempt({ batch_id, user_id, call_id, send_type, ordered: false, timeout_ms: -1_000 });
    const { ends } = await startProcess({ store }).watchAttempts(watched(10_000, input));
    expect(ends).toEqual([[0, 0, { kind: 'interrupted' }]]);
  });

  test('says that of an attempt that was never opened', async () => {
    const input = await registerDelivery(store, { webhook_url: 'http://127.0.0.1:1/' });
    const { ends } = await startProcess({ store }).watchAttempts(watched(10_000, input));
    expect(ends).toEqual([[0, 0, { kind: 'interrupted' }]]);
  });

  test('brings the text of a call that is being read', async () => {
    let give = () => {};
    const getCall = (call_id: string) =>
      new Promise<{ call_id: string; data: string }>((resolve) => {
        give = () => resolve({ call_id, data: '{}' });
      });
    const worker = startProcess({ store, calls: { source: { getCall } } });
    const input = await registerDelivery(store, { webhook_url: 'http://127.0.0.1:1/', payload: null });
    expect(await worker.deliverLocally(input)).toMatchObject({ kind: 'reading' });
    const watch = worker.watchAttempts(watched(10_000, input));
    give();
    expect((await watch).ends).toEqual([[0, 0, { kind: 'read' }]]);
  });

  test('waits for a store that is away', async () => {
    let reads = 0;
    const away: Store = {
      ...store,
      readStanding: (ref) => {
        reads += 1;
        return reads < 3 ? Promise.reject(new StoreUnavailableError('away')) : store.readStanding(ref);
      },
    };
    const input = await registerDelivery(store, { webhook_url: 'http://127.0.0.1:1/' });
    const { batch_id, user_id, call_id, send_type } = input;
    await store.openAttempt({ batch_id, user_id, call_id, send_type, ordered: false, timeout_ms: -1_000 });
    const watcher = startProcess({ store: away });
    expect((await watcher.watchAttempts(watched(10_000, input))).ends).toEqual([[0, 0, { kind: 'interrupted' }]]);
    expect(watcher.faults).toEqual([]);
  });

  test('over nothing returns at once', async () => {
    expect(await startProcess({ store }).watchAttempts({ groups: [], window_ms: 60_000 })).toEqual({ ends: [] });
  });

  test('tells the server that its worker lives', async () => {
    await using receiver = await Receiver.start({ behaviour: neverAnswer });
    const worker = startProcess({ store, attemptTimeoutMs: 4_000 });
    const input = await slowDelivery(worker, receiver.url);
    const watch = worker.watchAttempts(watched(10_000, input));
    await expect.poll(worker.heartbeats).toBeGreaterThan(0);
    expect((await watch).ends).toMatchObject([[0, 0, { kind: 'retry' }]]);
  });
});
