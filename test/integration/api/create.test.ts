import { describe, expect, test } from 'vitest';
import { sharedApi } from '../../support/api.js';
import { answer, delayed, neverAnswer } from '../../support/behaviours.js';

const CREATE = '/v1/postcall/webhooks/create';
const api = sharedApi({ environment: { POSTCALL_RETRY_SCHEDULE: '1h' } });

/** A user with calls of their own. */
async function userWithCalls(count: number) {
  const user = await api().newUser();
  return { user, calls: await api().stack.addCalls(count, user.userId), webhook_url: api().stack.receiver.url };
}

describe('POST /v1/postcall/webhooks/create', () => {
  test('answers 200 with a webhook object for each call, in the order of the request', async () => {
    const { user, calls, webhook_url } = await userWithCalls(3);
    const call_ids = calls.toReversed();
    const { status, headers, body } = await user.post(CREATE, { call_ids, webhook_url });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(body.errors).toBeNull();
    expect(body.data.map((webhook: { call_id: string }) => webhook.call_id)).toEqual(call_ids);
    const [received] = api().stack.receiver.requestsOf(call_ids[0] ?? '');
    expect(body.data[0]).toEqual({
      call_id: call_ids[0],
      payload: received?.json(),
      url: webhook_url,
      user_id: user.userId,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      metadata: [
        {
          sent_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          response_code: 200,
          response_time: expect.stringMatching(/^\d+ms$/),
          send_type: 'create',
          error: null,
        },
      ],
      status: 'delivered',
      next_attempt_at: null,
      batch_id: expect.any(String),
      reason: null,
    });
    expect(headers.get('location')).toBe(`/v1/postcall/batches/${body.data[0].batch_id}`);
    expect(headers.get('preference-applied')).toBeNull();
  });

  test('answers 200 when first attempts have failed, and says why and when the next is due', async () => {
    const { user, calls } = await userWithCalls(1);
    const { status, body } = await user.post(CREATE, { call_ids: calls, webhook_url: 'http://127.0.0.1:1/' });
    expect(status).toBe(200);
    expect(body.data[0]).toMatchObject({
      status: 'retrying',
      next_attempt_at: expect.any(String),
      metadata: [{ response_code: null, error: expect.stringContaining('connection refused') }],
    });
  });

  test('lists the calls for which no webhook was created, and creates the others', async () => {
    const { user, calls, webhook_url } = await userWithCalls(2);
    const [first = '', second = ''] = calls;
    await user.post(CREATE, { call_ids: [first], webhook_url });
    const { status, body } = await user.post(CREATE, { call_ids: [first, 'c-none', second], webhook_url });
    expect(status).toBe(200);
    expect(body.data.map((webhook: { call_id: string }) => webhook.call_id)).toEqual([second]);
    expect(body.errors).toEqual([
      {
        error: 'invalid_parameter',
        message: expect.stringContaining(`call ${first} already has a webhook`),
        call_id: first,
      },
      { error: 'invalid_parameter', message: expect.stringContaining('call c-none was not found'), call_id: 'c-none' },
    ]);
  });

  test('answers 400 with one error for each call when every call was rejected', async () => {
    const { user, webhook_url } = await userWithCalls(0);
    const { status, headers, body } = await user.post(CREATE, { call_ids: ['c-none', 'c-no-one'], webhook_url });
    expect(status).toBe(400);
    expect(body.data).toBeNull();
    expect(body.errors.map((error: { call_id: string }) => error.call_id)).toEqual(['c-none', 'c-no-one']);
    expect(headers.get('location')).toBeNull();
  });

  test('answers 202 when the preferred wait ends first, and goes on', async () => {
    const { user, calls, webhook_url } = await userWithCalls(2);
    const [call_id = ''] = calls;
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    api().stack.receiver.behaviour = (request, response) => {
      if (request.callId === call_id) void released.then(() => answer(200)(request, response));
      else answer(200)(request, response);
    };
    const { status, headers, body } = await user.post(CREATE, { call_ids: calls, webhook_url }, { prefer: 'wait=1' });
    expect(status).toBe(202);
    expect(headers.get('preference-applied')).toBe('wait=1');
    expect(body.data.map(({ status }: { status: string }) => status)).toEqual(['pending', 'delivered']);
    release();
    await expect
      .poll(async () => (await user.get(`/v1/postcall/webhooks/${call_id}`)).body.data.status)
      .toBe('delivered');
    const progress = await user.get(headers.get('location') ?? '');
    expect(progress.body.data).toMatchObject({ total: 2, delivered: 2 });
  });

  test('answers at once for wait=0', async () => {
    const { user, calls, webhook_url } = await userWithCalls(1);
    api().stack.receiver.behaviour = delayed(2_000, answer(200));
    const { status, headers } = await user.post(CREATE, { call_ids: calls, webhook_url }, { prefer: 'wait=0' });
    expect(status).toBe(202);
    expect(headers.get('preference-applied')).toBe('wait=0');
    expect(headers.get('location')).toMatch(/^\/v1\/postcall\/batches\/b_/);
    api().stack.receiver.behaviour = answer(200);
  });

  test('ignores a preference that it cannot understand', async () => {
    const { user, calls, webhook_url } = await userWithCalls(1);
    const { status, headers } = await user.post(CREATE, { call_ids: calls, webhook_url }, { prefer: 'wait=soon' });
    expect(status).toBe(200);
    expect(headers.get('preference-applied')).toBeNull();
  });

  test('streams the webhooks of several pages', async () => {
    const { user, calls, webhook_url } = await userWithCalls(1_100);
    const { status, body } = await user.post(
      CREATE,
      { call_ids: [...calls, 'c-none'], webhook_url },
      { prefer: 'wait=60' },
    );
    expect(status).toBe(200);
    expect(body.data.map((webhook: { call_id: string }) => webhook.call_id)).toEqual(calls);
    expect(body.errors).toHaveLength(1);
  });

  test.each([
    ['nothing', undefined, ['the body must be a JSON object']],
    ['null', 'null', ['the body must be a JSON object']],
    ['an array', [], ['the body must be a JSON object']],
    ['an empty object', {}, ['call_ids is required', 'webhook_url is required']],
    ['no call', { call_ids: [], webhook_url: 'https://x.test' }, ['call_ids must name at least one call']],
    ['a repeated call', { call_ids: ['a', 'b', 'a'], webhook_url: 'https://x.test' }, ['call_ids[2] repeats "a"']],
    ['a call that is no string', { call_ids: [1], webhook_url: 'https://x.test' }, ['call_ids[0] must be a string']],
    [
      'too many calls',
      { call_ids: Array.from({ length: 10_001 }, (_, index) => `c${index}`), webhook_url: 'https://x.test' },
      ['call_ids must name at most 10000 calls; send the rest in another request'],
    ],
    [
      'a URL of another scheme',
      { call_ids: ['a'], webhook_url: 'ftp://x.test' },
      ['webhook_url must be an absolute http or https URL'],
    ],
    [
      'a URL with credentials',
      { call_ids: ['a'], webhook_url: 'https://u:p@x.test' },
      [expect.stringContaining('webhook_url must not contain credentials')],
    ],
    [
      'a URL that is too long',
      { call_ids: ['a'], webhook_url: `https://x.test/${'x'.repeat(2_048)}` },
      ['webhook_url must have at most 2048 characters'],
    ],
    ['malformed JSON', '{"call_ids":', ['The body must be JSON.']],
  ])('answers 400 and names the problem: %s', async (_, body, messages) => {
    const user = await api().newUser();
    const answered = await user.post(CREATE, body);
    expect(answered.status).toBe(400);
    expect(answered.body).toEqual({
      data: null,
      errors: messages.map((message) => ({ error: 'invalid_parameter', message })),
    });
  });

  test('ignores unknown fields, those that would reach a prototype included', async () => {
    const { user, calls, webhook_url } = await userWithCalls(1);
    const body = `{"call_ids":${JSON.stringify(calls)},"webhook_url":"${webhook_url}","extra":1,"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}`;
    const { status } = await user.post(CREATE, body);
    expect(status).toBe(200);
    expect({}).not.toHaveProperty('admin');
  });

  test('stops waiting when the client has gone, and delivers all the same', async () => {
    const { user, calls, webhook_url } = await userWithCalls(1);
    const [call_id = ''] = calls;
    api().stack.receiver.behaviour = neverAnswer;
    const inFlight = async () => /requests_in_flight (\d+)/.exec((await user.get('/metrics')).text)?.[1];
    const abort = new AbortController();
    const gone = fetch(api().url + CREATE, {
      method: 'POST',
      headers: { authorization: user.key, 'content-type': 'application/json' },
      body: JSON.stringify({ call_ids: calls, webhook_url }),
      signal: abort.signal,
    }).catch((error: Error) => error.name);
    await expect.poll(() => api().stack.receiver.requestsOf(call_id).length).toBe(1);
    expect(await inFlight()).toBe('2');
    abort.abort();
    expect(await gone).toBe('AbortError');
    await expect.poll(inFlight).toBe('1');
    api().stack.receiver.requestsOf(call_id)[0]?.socket.destroy();
    api().stack.receiver.behaviour = answer(200);
    await expect
      .poll(async () => (await user.get(`/v1/postcall/webhooks/${call_id}`)).body.data.metadata.length)
      .toBe(1);
  });
});
