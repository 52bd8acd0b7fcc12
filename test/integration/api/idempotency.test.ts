import { describe, expect, test } from 'vitest';
import { sharedApi } from '../../support/api.js';

const CREATE = '/v1/postcall/webhooks/create';
const RESEND = '/v1/postcall/webhooks/resend';
const api = sharedApi();

async function userWithCalls(count: number) {
  const { stack, newUser } = api();
  const user = await newUser();
  return { user, calls: await stack.addCalls(count, user.userId), webhook_url: stack.receiver.url };
}

describe('Idempotency-Key', () => {
  test('answers a repeated request for the batch of the first one, and sends nothing', async () => {
    const { user, calls, webhook_url } = await userWithCalls(2);
    const body = { call_ids: [...calls, 'c-none'], webhook_url };
    const first = await user.post(CREATE, body, { 'idempotency-key': 'k' });
    const again = await user.post(CREATE, body, { 'idempotency-key': 'k' });
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect(api().stack.receiver.requestsOf(calls[0] ?? '')).toHaveLength(1);
  });

  test('makes one batch of 50 concurrent identical requests', async () => {
    const { user, calls, webhook_url } = await userWithCalls(3);
    const body = { call_ids: calls, webhook_url };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => user.post(CREATE, body, { 'idempotency-key': 'k' })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ headers }) => headers.get('location'))).size).toBe(1);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    for (const call of calls) expect(api().stack.receiver.requestsOf(call)).toHaveLength(1);
  });

  test.each([
    ['other calls', CREATE, { call_ids: ['c-none'] }],
    ['another URL', CREATE, { webhook_url: 'https://example.com/' }],
    ['a resend', RESEND, {}],
  ])('answers 422 for %s under the same key, and changes nothing', async (_, path, change) => {
    const { user, calls, webhook_url } = await userWithCalls(1);
    const body = { call_ids: calls, webhook_url };
    await user.post(CREATE, body, { 'idempotency-key': 'k' });
    const { status, body: answered } = await user.post(path, { ...body, ...change }, { 'idempotency-key': 'k' });
    expect(status).toBe(422);
    expect(answered).toEqual({
      data: null,
      errors: [
        {
          error: 'invalid_parameter',
          message: 'Idempotency-Key was used for a different request; use a new key.',
        },
      ],
    });
    expect(api().stack.receiver.requestsOf(calls[0] ?? '')).toHaveLength(1);
  });

  test('belongs to its user', async () => {
    const [one, other] = [await userWithCalls(1), await userWithCalls(1)];
    for (const { user, calls, webhook_url } of [one, other]) {
      const { status } = await user.post(CREATE, { call_ids: calls, webhook_url }, { 'idempotency-key': 'k' });
      expect(status).toBe(200);
    }
  });

  test.each(['', 'x'.repeat(256)])('answers 400 for a key of a wrong length', async (key) => {
    const { user, calls, webhook_url } = await userWithCalls(1);
    const { status, body } = await user.post(CREATE, { call_ids: calls, webhook_url }, { 'idempotency-key': key });
    expect(status).toBe(400);
    expect(body.errors).toEqual([
      { error: 'invalid_parameter', message: 'idempotency-key must have 1 to 255 characters' },
    ]);
  });
});
