import { describe, expect, test } from 'vitest';
import { StoreUnavailableError } from '../../../store/index.js';
import { type Answer, type ApiUser, send, sharedApi, startTestApi, userWith } from '../../support/api.js';
import { sendBytes } from '../../support/raw-http.js';

const CREATE = '/v1/postcall/webhooks/create';
const api = sharedApi();

describe('authentication', () => {
  test('takes the key with or without Bearer', async () => {
    const { key } = await api().newUser();
    for (const authorization of [key, `Bearer ${key}`, `bearer  ${key}`]) {
      const { status } = await send(`${api().url}/v1/postcall/failed`, { headers: { authorization } });
      expect(status).toBe(200);
    }
  });

  test.each([undefined, '', 'Bearer', 'Bearer nonsense', 'Basic dTpw', 'x'.repeat(5_000)])(
    'answers 401 for %s',
    async (authorization) => {
      const answered = await send(
        `${api().url}/v1/postcall/failed`,
        authorization ? { headers: { authorization } } : {},
      );
      expect(answered.status).toBe(401);
      expect(answered.headers.get('www-authenticate')).toBe('Bearer');
      expect(answered.body).toEqual({
        data: null,
        errors: [{ error: 'UNAUTHORIZED', message: 'The authorization header must hold a valid API key.' }],
      });
    },
  );

  test('answers 401 for two authorization headers, be one of them valid or both the same', async () => {
    const { key } = await api().newUser();
    for (const other of [key, 'nonsense']) {
      const lines = ['GET /v1/postcall/failed HTTP/1.1', 'host: x', 'connection: close'];
      const both = [`authorization: ${key}`, `authorization: ${other}`];
      const { status, body } = await sendBytes(api().url, `${[...lines, ...both].join('\r\n')}\r\n\r\n`);
      expect(status).toBe('HTTP/1.1 401 Unauthorized');
      expect(body).toMatchObject({ errors: [{ error: 'UNAUTHORIZED' }] });
    }
  });

  test('comes before anything that a request says', async () => {
    const { post } = userWith(api().url, 'nobody', 'nonsense');
    const answers = [
      await post(CREATE, '{"malformed'),
      await post(CREATE, {}),
      await post(CREATE, 'x'.repeat(3_000_000)),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
  });

  test('turns a revoked key away', async () => {
    const { store } = api().stack;
    const { key, prefix } = await store.createApiKey('u-revoked');
    const { get } = userWith(api().url, 'u-revoked', key);
    expect((await get('/v1/postcall/failed')).status).toBe(200);
    await store.revokeApiKey(prefix);
    await expect.poll(async () => (await get('/v1/postcall/failed')).status).toBe(401);
  });
});

describe('the wall between users', () => {
  const requests: [string, (user: ApiUser, what: { callId: string; batchId: string }) => Promise<Answer>][] = [
    ['a webhook', (user, { callId }) => user.get(`/v1/postcall/webhooks/${callId}`)],
    ['a batch', (user, { batchId }) => user.get(`/v1/postcall/batches/${batchId}`)],
    ['the webhooks of a batch', (user, { batchId }) => user.get(`/v1/postcall/batches/${batchId}/webhooks`)],
    ['pause', (user, { batchId }) => user.post(`/v1/postcall/batches/${batchId}/pause`)],
    ['resume', (user, { batchId }) => user.post(`/v1/postcall/batches/${batchId}/resume`)],
    ['retry', (user, { batchId }) => user.post(`/v1/postcall/batches/${batchId}/retry`)],
    ['cancel', (user, { batchId }) => user.post(`/v1/postcall/batches/${batchId}/cancel`)],
    ['failed webhooks of a batch', (user, { batchId }) => user.get(`/v1/postcall/failed?batch_id=${batchId}`)],
  ];

  /** Everything that a client sees, but the clock. */
  const seen = ({ status, headers, text }: Answer) => ({
    status,
    text,
    headers: [...headers].filter(([name]) => name !== 'date' && name !== 'x-request-id'),
  });

  test.each(requests)("answers for another user's exactly as for none: %s", async (_, request) => {
    const { stack, newUser } = api();
    const [owner, stranger] = [await newUser(), await newUser()];
    const [callId = ''] = await stack.addCalls(1, owner.userId);
    const created = await owner.post(CREATE, { call_ids: [callId], webhook_url: 'http://127.0.0.1:1/' });
    const batchId = created.body.data[0].batch_id;
    const before = (await owner.get(`/v1/postcall/batches/${batchId}`)).body;

    const others = await request(stranger, { callId, batchId });
    const missing = await request(stranger, { callId: 'c-none', batchId: 'b_none.0' });
    expect(seen(others)).toEqual(seen(missing));
    expect((await owner.get(`/v1/postcall/batches/${batchId}`)).body).toEqual(before);
  });

  test("rejects another user's call exactly like one that does not exist", async () => {
    const { stack, newUser } = api();
    const [owner, stranger] = [await newUser(), await newUser()];
    const [callId = ''] = await stack.addCalls(1, owner.userId);
    await owner.post(CREATE, { call_ids: [callId], webhook_url: stack.receiver.url });
    const body = (call: string) => ({ call_ids: [call], webhook_url: stack.receiver.url });
    const others = await stranger.post(CREATE, body(callId));
    const missing = await stranger.post(CREATE, body('c-none'));
    expect(seen({ ...others, text: others.text.replaceAll(callId, 'c-none') }).text).toBe(missing.text);
    expect(others.status).toBe(missing.status);
  });
});

describe('the rate limit', () => {
  test('answers 429 with Retry-After beyond the limit, for that key alone', async () => {
    const { newUser } = await startTestApi(api().stack, { rateLimit: 3 });
    const [user, other] = [await newUser(), await newUser()];
    const answers = await Promise.all(Array.from({ length: 30 }, () => user.get('/v1/postcall/failed')));
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers.get('retry-after')).toBe('1');
    expect(refused?.body).toEqual({
      data: null,
      errors: [{ error: 'RATE_LIMITED', message: 'This API key may make 3 requests a second.' }],
    });
    expect((await other.get('/v1/postcall/failed')).status).toBe(200);
    await expect.poll(async () => (await user.get('/v1/postcall/failed')).status).toBe(200);
  });
});

describe('a flood of unknown keys', () => {
  const flood = (url: string, count: number, headers: Record<string, string> = {}) =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        send(`${url}/v1/postcall/failed`, { headers: { authorization: `k-${Math.random()}-${index}`, ...headers } }),
      ),
    );
  const statusesOf = (answers: Answer[]) => [...new Set(answers.map(({ status }) => status))].toSorted();

  /** An API whose lookups of keys are counted. */
  async function countingApi(options: { trustProxy?: string[] } = {}) {
    const { stack } = api();
    let lookups = 0;
    const store = new Proxy(stack.store, {
      get(target, name) {
        if (name === 'findUserByApiKey') lookups += 1;
        const value = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const started = await startTestApi(stack, { store, ...options });
    return { ...started, lookups: () => lookups };
  }

  test('comes no further than its address, while keys in use go on', async () => {
    const { url, newUser, lookups } = await countingApi();
    const user = await newUser();
    expect((await user.get('/v1/postcall/failed')).status).toBe(200);
    const answers = await flood(url, 300);
    expect(statusesOf(answers)).toEqual([401, 429]);
    expect(lookups()).toBeLessThanOrEqual(101);
    const refused = answers.find(({ status }) => status === 429);
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused?.body.errors).toEqual([
      { error: 'RATE_LIMITED', message: expect.stringContaining('unknown API keys came from this address') },
    ]);
    expect((await user.get('/v1/postcall/failed')).status).toBe(200);
  });

  test('is no flood while the database is away: what cannot be looked up is not known to be unknown', async () => {
    const { stack } = api();
    const findUserByApiKey = () => Promise.reject(new StoreUnavailableError('the database is unavailable'));
    const store = new Proxy(stack.store, {
      get: (target, name) => (name === 'findUserByApiKey' ? findUserByApiKey : Reflect.get(target, name)),
    });
    const { url } = await startTestApi(stack, { store });
    expect(statusesOf(await flood(url, 150))).toEqual([503]);
  });

  test("is counted by the client's address behind a proxy that is trusted, and by the connection's otherwise", async () => {
    const trusting = await countingApi({ trustProxy: ['127.0.0.0/8', '::1'] });
    const of = (url: string, address: string, count: number) => flood(url, count, { 'x-forwarded-for': address });
    expect(statusesOf(await of(trusting.url, '192.0.2.1', 150))).toEqual([401, 429]);
    expect(statusesOf(await of(trusting.url, '192.0.2.2', 50))).toEqual([401]);
    expect(statusesOf(await of(trusting.url, '203.0.113.9, 192.0.2.1', 1))).toEqual([429]);
    expect(statusesOf(await of(trusting.url, '2001:db8::1', 150))).toEqual([401, 429]);
    expect(statusesOf(await of(trusting.url, '2001:db8::2', 1))).toEqual([429]);

    const strict = await countingApi();
    await of(strict.url, '192.0.2.1', 150);
    expect(statusesOf(await of(strict.url, '192.0.2.2', 1))).toEqual([429]);
  });
});
