import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type CallSource, CallSourceError, CallUnusableError } from '../../../activities/index.js';
import { loadConfig } from '../../../config/index.js';
import { type DeliveryInput, markOf } from '../../../contract/index.js';
import { type Store, StoreQueryError, StoreUnavailableError } from '../../../store/index.js';
import { registerDelivery, startProcess } from '../../support/activities.js';
import { answer, delayed, neverAnswer } from '../../support/behaviours.js';
import { openScratchStore } from '../../support/pglite-template.js';
import { Receiver } from '../../support/receiver.js';

let store: Store;
beforeAll(async () => {
  store = await openScratchStore();
});
afterAll(() => store.close());

/** The store, but for what a test does to it. */
const storeWith = (changes: Partial<Store>): Store => ({ ...store, ...changes });
const HOUR = 3_600_000;
/** What every answer for a call carries. */
const timed = ({ call_id }: DeliveryInput) => ({ took: expect.any(Number), of: markOf(call_id) });

describe('an attempt', () => {
  test('sends the stored text, records its end, and tells those who recover the endpoint', async () => {
    await using receiver = await Receiver.start();
    const worker = startProcess({ store });
    const input = await registerDelivery(store, { webhook_url: receiver.url, payload: '{"n": 1e400, "n":2}' });
    expect(await worker.deliver(input)).toEqual({ kind: 'delivered', ...timed(input) });
    expect(receiver.requests.map(({ body }) => body.toString())).toEqual(['{"n": 1e400, "n":2}']);
    expect(await store.getWebhook(input.user_id, input.call_id)).toMatchObject({
      status: 'delivered',
      metadata: [{ response_code: 200, send_type: 'create' }],
    });
    expect(worker.delivered).toEqual([{ user_id: input.user_id, url: receiver.url }]);
  });

  test.each([
    [500, { kind: 'retry', endpoint_failed: true }],
    [429, { kind: 'retry', endpoint_failed: true }],
    [404, { kind: 'retry', endpoint_failed: false }],
    [301, { kind: 'retry', endpoint_failed: false }],
    [410, { kind: 'failed', error: 'EndpointGone' }],
    [204, { kind: 'delivered' }],
  ])('that is answered %i ends so', async (status, end) => {
    await using receiver = await Receiver.start({ behaviour: answer(status) });
    const input = await registerDelivery(store, { webhook_url: receiver.url });
    expect(await startProcess({ store }).deliver(input)).toMatchObject(end);
  });

  test('that nobody answers is due again by the schedule', async () => {
    await using receiver = await Receiver.start();
    const input = await registerDelivery(store, { webhook_url: receiver.url });
    await receiver.close();
    const end = await startProcess({ store, schedule_ms: [HOUR] }).deliver(input);
    expect(end).toMatchObject({ kind: 'retry', endpoint_failed: true });
    expect(end).toHaveProperty('due_in', expect.closeTo(HOUR, -6.5));
  });

  test('whose retry would come after the horizon ends the schedule, and says how far it came', async () => {
    await using receiver = await Receiver.start({ behaviour: answer(502) });
    const input = await registerDelivery(store, { webhook_url: receiver.url });
    const end = await startProcess({ store, schedule_ms: [HOUR] }).deliver({ ...input, remaining_ms: HOUR / 2 });
    expect(end).toMatchObject({ kind: 'failed', error: 'ScheduleUsedUp', endpoint_failed: true });
    expect(await store.getWebhook(input.user_id, input.call_id)).toMatchObject({
      status: 'failed',
      reason: 'retry schedule used up; last attempt: the endpoint answered 502',
    });
  });

  test('before its time is too early, unless it was ordered; Retry-After holds also then', async () => {
    await using receiver = await Receiver.start({ behaviour: answer(500) });
    const worker = startProcess({ store, schedule_ms: [HOUR] });
    const input = await registerDelivery(store, { webhook_url: receiver.url });
    await worker.deliver(input);
    expect(await worker.deliver(input)).toMatchObject({ kind: 'too_early' });
    receiver.behaviour = answer(503, { 'retry-after': '600' });
    expect(await worker.deliver({ ...input, ordered: true })).toMatchObject({ kind: 'retry' });
    expect(await worker.deliver({ ...input, ordered: true })).toMatchObject({ kind: 'too_early' });
    expect(receiver.requests).toHaveLength(2);
  });

  test('finds no place where as many are in flight as may be, also to another path of the origin', async () => {
    await using receiver = await Receiver.start({ behaviour: neverAnswer });
    const worker = startProcess({ store, limit: 1, attemptTimeoutMs: 1_000 });
    const first = await registerDelivery(store, { webhook_url: receiver.url });
    const second = await registerDelivery(store, {
      webhook_url: receiver.urlFor('127.0.0.1', '/other?a=1'),
      user_id: first.user_id,
    });
    const foreign = await registerDelivery(store, { webhook_url: receiver.url });
    expect(await worker.deliverLocally(first)).toMatchObject({ kind: 'slow' });
    expect(await worker.deliver(second)).toEqual({ kind: 'busy', due_in: expect.any(Number), ...timed(second) });
    expect(await worker.deliverLocally(foreign)).toMatchObject({ kind: 'slow' });
  });
});

describe('executions of the same delivery', () => {
  test('in one process make one attempt, and all learn its end', async () => {
    await using receiver = await Receiver.start({ behaviour: delayed(50, answer(200)) });
    const worker = startProcess({ store });
    const input = await registerDelivery(store, { webhook_url: receiver.url });
    const ends = await Promise.all([worker.deliver(input), worker.deliver(input), worker.deliver(input)]);
    expect(ends.map(({ kind }) => kind)).toEqual(['delivered', 'delivered', 'delivered']);
    expect(receiver.requests).toHaveLength(1);
  });

  test('in two processes make one attempt, and the other is told that it goes on', async () => {
    await using receiver = await Receiver.start({ behaviour: delayed(50, answer(200)) });
    const input = await registerDelivery(store, { webhook_url: receiver.url });
    const workers = [startProcess({ store }), startProcess({ store })];
    const ends = await Promise.all(workers.map(({ deliver }) => deliver(input)));
    expect(ends.map(({ kind }) => kind).sort()).toEqual(['delivered', 'slow']);
    expect(receiver.requests).toHaveLength(1);
  });

  test('after a recorded delivery send nothing', async () => {
    await using receiver = await Receiver.start();
    const input = await registerDelivery(store, { webhook_url: receiver.url });
    await startProcess({ store }).deliver(input);
    expect(await startProcess({ store }).deliver(input)).toMatchObject({ kind: 'delivered' });
    expect(receiver.requests).toHaveLength(1);
  });

  test('after a later batch took the webhook over send nothing', async () => {
    await using receiver = await Receiver.start({ behaviour: answer(410) });
    const worker = startProcess({ store });
    const input = await registerDelivery(store, { webhook_url: receiver.url });
    await worker.deliver(input);
    const { user_id, call_id } = input;
    await store.registerBatches({
      workflow_id: 'postcall-later',
      accepted_at: Date.now(),
      calls: false,
      parts: [
        { batch_id: `${input.batch_id}.later`, user_id, send_type: 'resend', call_ids: [call_id], offset: 0, total: 1 },
      ],
    });
    expect(await worker.deliver(input)).toMatchObject({ kind: 'failed', error: 'Superseded' });
    expect(receiver.requests).toHaveLength(1);
  });
});

describe('patience', () => {
  test('ends while the request goes on, and is recorded when it is answered', async () => {
    await using receiver = await Receiver.start({ behaviour: delayed(600, answer(200)) });
    const worker = startProcess({ store });
    const input = await registerDelivery(store, { webhook_url: receiver.url });
    expect(await worker.deliverLocally(input)).toEqual({ kind: 'slow', ...timed(input) });
    expect(await worker.deliverLocally(input)).toMatchObject({ kind: 'slow' });
    await worker.idle();
    expect(await store.getWebhook(input.user_id, input.call_id)).toMatchObject({ status: 'delivered' });
    expect(receiver.requests).toHaveLength(1);
  });

  test('is not spent on an origin that is known to be slow', async () => {
    await using receiver = await Receiver.start({ behaviour: neverAnswer });
    const worker = startProcess({ store, attemptTimeoutMs: 20_000 });
    const first = await registerDelivery(store, { webhook_url: receiver.url });
    // Patience begins before the request does: after another one it has certainly been slow.
    await worker.deliverLocally(first);
    await worker.deliverLocally(first);
    const second = await registerDelivery(store, { webhook_url: receiver.url, user_id: first.user_id });
    // Patience never ends: what answers is the sending itself.
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    expect(await worker.deliverLocally(second)).toMatchObject({ kind: 'slow' });
  });

  test('ends with a store that hangs', async () => {
    let open = () => {};
    const hanging = storeWith({
      openAttempt: (request) =>
        new Promise((resolve) => {
          open = () => resolve(store.openAttempt(request));
        }),
    });
    await using receiver = await Receiver.start();
    const worker = startProcess({ store: hanging });
    const input = await registerDelivery(store, { webhook_url: receiver.url });
    expect(await worker.deliverLocally(input)).toMatchObject({ kind: 'slow' });
    open();
    await worker.idle();
    expect(receiver.requests).toHaveLength(1);
  });

  test('is endless outside of workflow tasks', async () => {
    await using receiver = await Receiver.start({ behaviour: delayed(600, answer(200)) });
    const input = await registerDelivery(store, { webhook_url: receiver.url });
    expect(await startProcess({ store }).deliver(input)).toMatchObject({ kind: 'delivered' });
  });
});

describe('a store', () => {
  test('that is away is said to be, and nothing is sent', async () => {
    const away = storeWith({ openAttempt: () => Promise.reject(new StoreUnavailableError('away')) });
    await using receiver = await Receiver.start();
    const input = await registerDelivery(store, { webhook_url: receiver.url });
    expect(await startProcess({ store: away }).deliver(input)).toEqual({ kind: 'store_away', ...timed(input) });
    expect(receiver.requests).toHaveLength(0);
  });

  test.each([
    ['is away', new StoreUnavailableError('away'), []],
    [
      'refuses for no fault of the data',
      new StoreQueryError('no such table', '42P01'),
      ['an attempt cannot be recorded now'],
    ],
  ])('that %s at the end of an attempt is asked until it has recorded it', async (_, error, faults) => {
    let refusals = 2;
    const flaky = storeWith({
      closeAttempt: (request) => (refusals-- > 0 ? Promise.reject(error) : store.closeAttempt(request)),
    });
    await using receiver = await Receiver.start();
    const worker = startProcess({ store: flaky });
    const input = await registerDelivery(store, { webhook_url: receiver.url });
    expect(await worker.deliver(input)).toMatchObject({ kind: 'delivered' });
    expect(worker.faults).toEqual(faults);
    expect(receiver.requests).toHaveLength(1);
  });

  test('that refuses the text of an attempt’s end records it without its text', async () => {
    const picky = storeWith({
      closeAttempt: (request) =>
        request.error?.includes('refused')
          ? Promise.reject(new StoreQueryError('invalid byte sequence', '22021'))
          : store.closeAttempt(request),
    });
    await using receiver = await Receiver.start();
    const input = await registerDelivery(store, { webhook_url: receiver.url });
    await receiver.close();
    const worker = startProcess({ store: picky });
    expect(await worker.deliver(input)).toMatchObject({ kind: 'retry' });
    expect(await store.getWebhook(input.user_id, input.call_id)).toMatchObject({
      metadata: [{ response_code: null, error: 'the attempt failed' }],
    });
  });

  test('that refuses even that is given up, and leaves no attempt running', async () => {
    const refusing = storeWith({
      closeAttempt: () => Promise.reject(new StoreQueryError('numeric overflow', '22003')),
    });
    await using receiver = await Receiver.start();
    const worker = startProcess({ store: refusing });
    const input = await registerDelivery(store, { webhook_url: receiver.url });
    await expect(worker.deliver(input)).rejects.toThrow('numeric overflow');
    await worker.idle();
  });
});

describe('a call that is not stored yet', () => {
  const unread = (webhook_url: string, accepted_at = Date.now()) =>
    registerDelivery(store, { webhook_url, payload: null, accepted_at });
  const giving =
    (data: string | Record<string, unknown>, user_id?: string): CallSource['getCall'] =>
    async (call_id) => ({ call_id, data, ...(user_id !== undefined && { user_id }) });

  /** What becomes of a call that its source answers so, so long after its acceptance. */
  async function ask(getCall: CallSource['getCall'], age = 0, calls: object = {}) {
    await using receiver = await Receiver.start();
    const input = await unread(receiver.url, Date.now() - age);
    const worker = startProcess({ store, calls: { source: { getCall }, ...calls } });
    const end = await worker.deliver(input);
    const webhook = await store.getWebhook(input.user_id, input.call_id);
    return { end, webhook, bodies: receiver.requests.map(({ body }) => body.toString()), input };
  }

  test('is read, stored and sent byte for byte', async () => {
    const { end, bodies, webhook } = await ask(giving(' {"n": 1.0} '));
    expect([end.kind, bodies, webhook?.payload]).toEqual(['delivered', [' {"n": 1.0} '], ' {"n": 1.0} ']);
  });

  test('as an object is serialised', async () => {
    expect((await ask(giving({ n: 1 }))).bodies).toEqual(['{"n":1}']);
  });

  test.each([
    [0, { kind: 'unread', due_in: expect.any(Number), source_away: false }],
    [6_000, { kind: 'rejected', error: 'CallNotFound' }],
  ])(
    'and not there %i ms after acceptance is asked for again within its grace, and rejected after it',
    async (age, expected) => {
      const { end, webhook } = await ask(async () => undefined, age);
      expect(end).toMatchObject(expected);
      expect(webhook?.status).toBe(age === 0 ? 'pending' : undefined);
    },
  );

  test.each([giving({}, 'u-2'), giving({ user_id: 'u-2' }), giving('{"user_id":7}')])(
    'and another user’s is like one that is not there',
    async (getCall) => {
      expect((await ask(getCall, 6_000)).end).toMatchObject({ kind: 'rejected', error: 'CallNotFound' });
    },
  );

  test('without an owner belongs to the user who is named for it', async () => {
    expect((await ask(giving({}), 6_000, { defaultUserId: 'u-2' })).end).toMatchObject({ kind: 'rejected' });
    expect((await ask(giving({}), 6_000)).end).toMatchObject({ kind: 'delivered' });
  });

  test.each([
    [giving('[1]'), 'the call is not a JSON object'],
    [giving('{"user_id":["u-1"]}'), "the record's user_id is neither a string nor a number"],
    [async () => Promise.reject(new CallUnusableError('the call source answered 422')), 'the call source answered 422'],
  ])('and never will be fails with the reason', async (getCall, reason) => {
    const { end, webhook } = await ask(getCall);
    expect(end).toMatchObject({ kind: 'failed', error: 'CallUnreadable' });
    expect(webhook).toMatchObject({ status: 'failed', reason, metadata: [] });
  });

  test('waits for a source that is away, and fails at its horizon', async () => {
    const away = async () =>
      Promise.reject(new CallSourceError('the call source answered 503', { retry_after_ms: 9_000 }));
    const { end, input } = await ask(away);
    expect(end).toMatchObject({ kind: 'unread', due_in: 9_000, source_away: true });
    const worker = startProcess({ store, calls: { source: { getCall: away } } });
    expect(await worker.deliver({ ...input, remaining_ms: 5_000 })).toMatchObject({ kind: 'failed' });
    expect(await store.getWebhook(input.user_id, input.call_id)).toMatchObject({
      reason: 'the call source answered 503',
    });
  });

  test('waits for a source that breaks, without quoting what it says', async () => {
    const broken = async () => Promise.reject(new TypeError('secret'));
    const { end, input } = await ask(broken);
    expect(end).toMatchObject({ kind: 'unread', source_away: true });
    await startProcess({ store, calls: { source: { getCall: broken } } }).deliver({ ...input, remaining_ms: 1 });
    expect((await store.getWebhook(input.user_id, input.call_id))?.reason).toBe('the call source failed: TypeError');
  });

  test('is sent when it is complete, or after a time, or never', async () => {
    const readyField = 'completed';
    const policy = { ...loadConfig({}).calls.policy, ready_timeout_ms: 60_000 };
    const incomplete = giving({ completed: 'true' });
    expect((await ask(giving({ completed: true }), 0, { readyField })).end).toMatchObject({ kind: 'delivered' });
    expect((await ask(incomplete, 0, { readyField })).end).toMatchObject({ kind: 'unread', source_away: false });
    const { end, webhook } = await ask(incomplete, 61_000, { readyField, policy });
    expect([end, webhook?.reason]).toMatchObject([{ kind: 'failed', error: 'CallUnreadable' }, 'not complete']);
    const sendAll = { ...policy, send_incomplete: true };
    expect((await ask(incomplete, 61_000, { readyField, policy: sendAll })).end).toMatchObject({ kind: 'delivered' });
  });

  test('from the calls table is rejected at once when it is not there', async () => {
    await using receiver = await Receiver.start();
    const worker = startProcess({ store });
    expect(await worker.deliver(await unread(receiver.url))).toMatchObject({ kind: 'rejected', error: 'CallNotFound' });
  });

  test('and takes long is stored without being sent, and then sent without being read', async () => {
    let asked = 0;
    let give = () => {};
    const getCall: CallSource['getCall'] = (call_id) => {
      asked += 1;
      return new Promise((resolve) => {
        give = () => resolve({ call_id, data: '{"late":true}' });
      });
    };
    await using receiver = await Receiver.start();
    const input = await unread(receiver.url);
    const worker = startProcess({ store, calls: { source: { getCall } }, limit: 1 });
    expect(await worker.deliverLocally(input)).toEqual({ kind: 'reading', ...timed(input) });
    // Nor does it hold a place of its endpoint.
    const other = await registerDelivery(store, { webhook_url: receiver.url, user_id: input.user_id });
    expect(await worker.deliver(other)).toMatchObject({ kind: 'delivered' });
    give();
    await worker.idle();
    expect(receiver.requestsOf(input.call_id)).toHaveLength(0);
    expect(receiver.requests).toHaveLength(1);
    expect(await worker.deliver(input)).toMatchObject({ kind: 'delivered' });
    expect([asked, receiver.requests.at(-1)?.body.toString()]).toEqual([1, '{"late":true}']);
  });
});

describe('a webhook whose attempt was interrupted', () => {
  /** What processes leave behind that die in the middle of an attempt. */
  async function interrupted(times: number, isolation: 'alone' | 'shared', webhook_url: string) {
    const input = await registerDelivery(store, { webhook_url });
    const { batch_id, user_id, call_id, send_type } = input;
    for (let time = 0; time < times; time += 1) {
      const request = { batch_id, user_id, call_id, send_type, ordered: true, timeout_ms: -2_000, isolation };
      expect(await store.openAttempt(request)).toMatchObject({ kind: 'opened' });
      await store.readStanding(input);
    }
    return input;
  }

  test('is sent again under the same ID', async () => {
    await using receiver = await Receiver.start();
    const input = await interrupted(1, 'alone', receiver.url);
    expect(await startProcess({ store }).deliver(input)).toMatchObject({ kind: 'delivered' });
    expect((await store.getWebhook(input.user_id, input.call_id))?.metadata).toMatchObject([
      { error: 'interrupted', response_code: null },
      { response_code: 200 },
    ]);
  });

  test('three times alone fails, and is not sent', async () => {
    await using receiver = await Receiver.start();
    const input = await interrupted(3, 'alone', receiver.url);
    expect(await startProcess({ store }).deliver(input)).toMatchObject({
      kind: 'failed',
      error: 'InterruptedRepeatedly',
    });
    expect(receiver.requests).toHaveLength(0);
  });

  test('among a hundred others is delivered like them, however often that happened', async () => {
    await using receiver = await Receiver.start({ behaviour: delayed(20, answer(200)) });
    const inputs = [];
    for (let call = 0; call < 100; call += 1) inputs.push(await interrupted(3, 'shared', receiver.url));
    const worker = startProcess({ store });
    const ends = await Promise.all(inputs.map((input) => worker.deliver(input)));
    expect(new Set(ends.map(({ kind }) => kind))).toEqual(new Set(['delivered']));
    expect(receiver.requests).toHaveLength(100);
  });

  test('alone is noted as one among others before they start', async () => {
    await using receiver = await Receiver.start({ behaviour: neverAnswer });
    const input = await interrupted(1, 'shared', receiver.url);
    const noted: string[] = [];
    const noting = storeWith({
      shareAttempt: async (seq) => {
        await store.shareAttempt(seq);
        expect(receiver.requests).toHaveLength(1);
        noted.push(seq);
      },
    });
    const worker = startProcess({ store: noting, attemptTimeoutMs: 1_000 });
    const [first] = await Promise.all([
      worker.deliverLocally(input),
      expect
        .poll(() => receiver.requests.length)
        .toBe(1)
        .then(async () => {
          await worker.deliver(await registerDelivery(store, { webhook_url: receiver.url }));
        }),
    ]);
    expect(first).toMatchObject({ kind: 'slow' });
    expect(noted).toHaveLength(1);
  });

  test('alone and was noted as one among others has no interruption alone', async () => {
    const input = await registerDelivery(store, { webhook_url: 'http://127.0.0.1:1/' });
    const { batch_id, user_id, call_id, send_type } = input;
    const request = { batch_id, user_id, call_id, send_type, ordered: true, timeout_ms: -2_000 };
    for (const share of [true, false]) {
      const opened = await store.openAttempt({ ...request, isolation: 'alone' });
      if (opened.kind !== 'opened') throw new Error('it is to be opened');
      if (share) await store.shareAttempt(opened.seq);
      await store.readStanding(input);
    }
    expect(await store.openAttempt(request)).toEqual({ kind: 'suspect', in_a_row: 2, alone: 1 });
  });
});
