import { describe, expect, test } from 'vitest';
import { sharedApi } from '../../support/api.js';
import { answer } from '../../support/behaviours.js';

const CREATE = '/v1/postcall/webhooks/create';
const FAILED = '/v1/postcall/failed';
const api = sharedApi();

/** A user with webhooks that have failed for good, in the order of their failure. */
async function userWithFailures(count: number) {
  const { stack, newUser } = api();
  const user = await newUser();
  const calls = await stack.addCalls(count, user.userId);
  const webhook_url = `${stack.receiver.url}?user=${user.userId}`;
  for (const call_id of calls) {
    stack.receiver.behaviour = answer(410);
    await user.post(CREATE, { call_ids: [call_id], webhook_url });
  }
  stack.receiver.behaviour = answer(200);
  return { user, calls, webhook_url };
}

const callIds = (webhooks: { call_id: string }[]) => webhooks.map(({ call_id }) => call_id);

describe('GET /v1/postcall/failed', () => {
  test("lists a user's failed webhooks with their attempts, oldest failure first", async () => {
    const { user, calls } = await userWithFailures(2);
    const { status, body } = await user.get(FAILED);
    expect(status).toBe(200);
    expect(body).toEqual({
      data: calls.map((call_id) =>
        expect.objectContaining({
          call_id,
          status: 'failed',
          reason: expect.stringContaining('410'),
          metadata: [expect.objectContaining({ response_code: 410 })],
        }),
      ),
      errors: null,
      next_cursor: null,
    });
  });

  test('filters by time, URL and batch', async () => {
    const { user, calls, webhook_url } = await userWithFailures(2);
    const list = async (query: Record<string, string>) =>
      callIds((await user.get(`${FAILED}?${new URLSearchParams(query)}`)).body.data);
    expect(await list({ since: '1h', url: webhook_url })).toEqual(calls);
    expect(await list({ url: 'https://example.com/' })).toEqual([]);
    expect(await list({ since: '2h', until: '1h' })).toEqual([]);
    const { batch_id } = (await user.get(`/v1/postcall/webhooks/${calls[1]}`)).body.data;
    expect(await list({ batch_id })).toEqual([calls[1]]);
  });

  test('goes on where the page before ended', async () => {
    const { user, calls } = await userWithFailures(3);
    const first = (await user.get(`${FAILED}?limit=2`)).body;
    const second = (await user.get(`${FAILED}?limit=2&cursor=${first.next_cursor}`)).body;
    expect([...callIds(first.data), ...callIds(second.data)]).toEqual(calls);
    expect(second.next_cursor).toBeNull();
  });

  test.each([
    ['since=yesterday', 'since must be an ISO 8601 time'],
    ['until=24', 'until must be an ISO 8601 time'],
    ['url=example', 'url must be an absolute http or https URL'],
    ['since=1h&until=1h', 'since must be before until'],
    ['since=1h&until=2h', 'since must be before until'],
    ['since=2999-01-01T00:00:00Z', 'since must be before until, which is now'],
    ['since=0001-01-01T00:00:00Z', 'since must be an ISO 8601 time'],
    ...['0', '501', '1e1', '0x10', '%205', '5.0', '%2B5', '', '-1', '1&limit=2'].map((limit): [string, string] => [
      `limit=${limit}`,
      'limit must be a whole number from 1 to 500',
    ]),
    ...['', '%00', 'a', 'a.b%00', `${'x'.repeat(65)}.0`, 'a.b&batch_id=a.b'].map((id): [string, string] => [
      `batch_id=${id}`,
      'batch_id must be ',
    ]),
    ['cursor=e30&cursor=e30', 'cursor must be the next_cursor of the page before'],
    ['cursor=', 'cursor must be the next_cursor of the page before'],
    ['cursor=%00', 'cursor must be the next_cursor of the page before'],
    [
      `cursor=${Buffer.from('[1,"\\u0000"]').toString('base64url')}`,
      'cursor must be the next_cursor of the page before',
    ],
    [`cursor=${Buffer.from('[9e15,"c"]').toString('base64url')}`, 'cursor must be the next_cursor of the page before'],
    ['cursor=e30', 'cursor must be the next_cursor of the page before'],
  ])('answers 400 for ?%s', async (query, message) => {
    const user = await api().newUser();
    const { status, body } = await user.get(`${FAILED}?${query}`);
    expect(status).toBe(400);
    expect(body.errors).toEqual([{ error: 'invalid_parameter', message: expect.stringContaining(message) }]);
  });
});

describe('POST /v1/postcall/failed/resend', () => {
  test('sends what has failed again, in batches that can be followed', async () => {
    const { user, calls } = await userWithFailures(2);
    const { status, body } = await user.post(`${FAILED}/resend`, { since: '1h' });
    expect(status).toBe(202);
    expect(body).toEqual({
      data: {
        id: expect.stringMatching(/^resend-failed-/),
        since: expect.stringMatching(/Z$/),
        until: expect.stringMatching(/Z$/),
      },
      errors: null,
    });
    const webhook = async (callId?: string) => (await user.get(`/v1/postcall/webhooks/${callId}`)).body.data;
    await expect.poll(async () => (await webhook(calls[1])).status).toBe('delivered');
    const { metadata, batch_id } = await webhook(calls[1]);
    expect(metadata).toMatchObject([{ send_type: 'create' }, { send_type: 'resend', response_code: 200 }]);
    await expect
      .poll(async () => (await user.get(`/v1/postcall/batches/${batch_id}`)).body.data)
      .toMatchObject({ status: 'completed', delivered: 2 });
    expect((await user.get(FAILED)).body.data).toEqual([]);
  });

  test('leaves other URLs and other users alone', async () => {
    const { user, calls } = await userWithFailures(1);
    const other = await userWithFailures(1);
    await user.post(`${FAILED}/resend`, { since: '1h', url: 'https://example.com/' });
    await user.post(`${FAILED}/resend`, { since: '1h' });
    const failed = async (who: typeof user) => callIds((await who.get(FAILED)).body.data);
    await expect.poll(() => failed(user)).toEqual([]);
    expect(await failed(other.user)).toEqual(other.calls);
    await expect.poll(() => api().stack.receiver.requestsOf(calls[0] ?? '')).toHaveLength(2);
  });

  test.each([
    [{}, 'since is required'],
    [{ since: '24h', until: '24h' }, 'since must be before until'],
    [{ since: '1h', until: '2h' }, 'since must be before until'],
    [{ since: '0ms' }, 'since must be before until, which is now'],
    [{ since: '2999-01-01T00:00:00Z' }, 'since must be before until, which is now'],
    [{ since: '1970-01-01T00:00:00+01:00' }, 'since must be an ISO 8601 time'],
    [{ since: '0000-01-01T00:00:00Z' }, 'since must be an ISO 8601 time'],
    [{ since: '999999999w' }, 'since must be an ISO 8601 time'],
    [{ since: '1h', until: '9999-12-31T23:59:59-01:00' }, 'until must be an ISO 8601 time'],
    [{ since: '2026-02-30T00:00:00Z' }, 'since must be an ISO 8601 time'],
    [{ since: 24 }, 'since must be an ISO 8601 time'],
  ])('answers 400 for the period %j', async (period, message) => {
    const user = await api().newUser();
    const { status, body } = await user.post(`${FAILED}/resend`, period);
    expect(status).toBe(400);
    expect(body.errors).toEqual([{ error: 'invalid_parameter', message: expect.stringContaining(message) }]);
  });
});
