import { describe, expect, test } from 'vitest';
import { InvalidRequestError } from '../../../client/index.js';
import { sharedApi, startTestApi } from '../../support/api.js';
import { answer, inTurn } from '../../support/behaviours.js';

const CREATE = '/v1/postcall/webhooks/create';
const RESEND = '/v1/postcall/webhooks/resend';
const [ONE, TWO] = ['1', '2'].map((digit) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`) as [string, string];

const api = sharedApi({ traceparents: true, environment: { POSTCALL_RETRY_SCHEDULE: '100ms' } });
const sent = (callId: string) =>
  api()
    .stack.receiver.requestsOf(callId)
    .map(({ headers }) => headers.traceparent);

async function calls(count: number) {
  const user = await api().newUser();
  const call_ids = await api().stack.addCalls(count, user.userId);
  const create = (index: number, headers: Record<string, string>) =>
    user.post(CREATE, { call_ids: [call_ids[index]], webhook_url: api().stack.receiver.url }, headers);
  return { user, call_ids, create, idOf: (index: number) => call_ids[index] ?? '' };
}

describe('the traceparent of a request', () => {
  test('is carried by its own webhooks, also where requests share a workflow', async () => {
    const { create, idOf } = await calls(3);
    await Promise.all([create(0, { traceparent: ONE }), create(1, { traceparent: TWO }), create(2, {})]);
    expect([0, 1, 2].map((index) => sent(idOf(index)))).toEqual([[ONE], [TWO], [undefined]]);
  });

  test('is that of each attempt, and of a resend its own', async () => {
    const { user, call_ids, create, idOf } = await calls(1);
    api().stack.receiver.behaviour = inTurn(answer(503), answer(200));
    await create(0, { traceparent: ONE });
    await expect.poll(() => sent(idOf(0))).toEqual([ONE, ONE]);
    await expect.poll(async () => (await user.post(RESEND, { call_ids }, { traceparent: TWO })).status).toBe(200);
    expect(sent(idOf(0))).toEqual([ONE, ONE, TWO]);
    api().stack.receiver.behaviour = answer(200);
  });

  test('does not make a repeated request another one', async () => {
    const { create } = await calls(1);
    const key = { 'idempotency-key': 'once' };
    const first = await create(0, { ...key, traceparent: ONE });
    const second = await create(0, { ...key, traceparent: TWO });
    expect(second.headers.get('location')).toBe(first.headers.get('location'));
  });

  test.each([
    '',
    'nonsense',
    `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
    `${ONE}-more`,
    ONE.toUpperCase().replaceAll('1', 'A'),
  ])('is ignored where it is "%s"', async (traceparent) => {
    const { create, idOf } = await calls(1);
    expect((await create(0, { traceparent })).status).toBe(200);
    expect(sent(idOf(0))).toEqual([undefined]);
  });

  test('is not taken where tracing is off', async () => {
    const { newUser } = await startTestApi(api().stack);
    const user = await newUser();
    const call_ids = await api().stack.addCalls(1, user.userId);
    await user.post(CREATE, { call_ids, webhook_url: api().stack.receiver.url }, { traceparent: ONE });
    expect(sent(call_ids[0] ?? '')).toEqual([undefined]);
  });
});

test('a client names one, and hears of one that is wrong', async () => {
  const { stack } = api();
  const user = await api().newUser();
  const call_ids = await stack.addCalls(1, user.userId);
  const request = { user_id: user.userId, call_ids, webhook_url: stack.receiver.url };
  await expect(stack.client.create({ ...request, traceparent: 'nonsense' })).rejects.toThrow(InvalidRequestError);
  await (await stack.client.create({ ...request, traceparent: ONE })).result();
  expect(sent(call_ids[0] ?? '')).toEqual([ONE]);
});
