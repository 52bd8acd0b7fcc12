import { describe, expect, test } from 'vitest';
import { StoreUnavailableError } from '../../../store/index.js';
import { send, sharedApi, startOwnApi, startTestApi } from '../../support/api.js';
import { answer, neverAnswer } from '../../support/behaviours.js';
import { captureLog } from '../../support/captured-log.js';
import { sumOf } from '../../support/scrape.js';

const CREATE = '/v1/postcall/webhooks/create';
const api = sharedApi();

describe('health and metrics', () => {
  test('need no API key', async () => {
    const { url } = api();
    expect((await send(`${url}/healthz`)).body).toEqual({ status: 'ok' });
    expect((await send(`${url}/readyz`)).body).toEqual({ status: 'ready', temporal: 'ok', store: 'ok' });
    expect((await send(`${url}/metrics`)).headers.get('content-type')).toContain('text/plain');
  });

  test('ask Temporal and the store far less often than they are asked', async () => {
    const { stack } = api();
    let pings = 0;
    const counted = <T extends { ping(): Promise<void> }>(part: T): T =>
      new Proxy(part, {
        get(target, name) {
          if (name === 'ping') pings += 1;
          const value = Reflect.get(target, name);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    const { url } = await startTestApi(stack, { client: counted(stack.client), store: counted(stack.store) });
    const answers = await Promise.all(Array.from({ length: 100 }, () => send(`${url}/readyz`)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    // Once a second at most; 200 would be one for each.
    expect(pings).toBeLessThanOrEqual(20);
  });

  test('count requests by route, never by path', async () => {
    const { url, newUser } = await startTestApi(api().stack);
    const user = await newUser();
    await user.get('/v1/postcall/webhooks/c-secret');
    await user.get('/nowhere/c-secret');
    const { text } = await send(`${url}/metrics`);
    expect(text).toContain(
      'postcall_http_request_duration_seconds_count{method="GET",route="/v1/postcall/webhooks/:call_id",status="404"} 1',
    );
    expect(text).toContain('postcall_http_request_duration_seconds_count{method="GET",route="none",status="404"} 1');
    expect(text).not.toContain('c-secret');
  });
});

describe('requests', () => {
  test('are counted where they are accepted as a batch, with their calls', async () => {
    const { url, newUser, stack } = await startTestApi(api().stack);
    const user = await newUser();
    const call_ids = await stack.addCalls(3, user.userId);
    await user.post(CREATE, { call_ids, webhook_url: stack.receiver.url });
    await user.post(CREATE, { call_ids: [], webhook_url: stack.receiver.url });
    const { text } = await send(`${url}/metrics`);
    expect(sumOf(text, 'postcall_accepted_batches_total')).toBe(1);
    expect(sumOf(text, 'postcall_accepted_calls_total')).toBe(3);
    expect(sumOf(text, 'postcall_unavailable_total')).toBe(0);
  });

  test('that are turned away with 503 are counted by reason', async () => {
    const { stack } = api();
    const away = () => Promise.reject(new StoreUnavailableError('away'));
    const store = { ...stack.store, getWebhook: away };
    const { url, newUser } = await startTestApi(stack, { store });
    const user = await newUser();
    expect((await user.get('/v1/postcall/webhooks/c-1')).status).toBe(503);
    const { text } = await send(`${url}/metrics`);
    expect(sumOf(text, 'postcall_unavailable_total', { reason: 'database_unavailable' })).toBe(1);
    expect(sumOf(text, 'postcall_unavailable_total', { reason: 'temporal_unavailable' })).toBe(0);
  });

  test.each(['/healthz', '/nowhere', '/v1/postcall/failed', '/v1/postcall/webhooks/%zz', '/metrics'])(
    'for %s are answered with their ID',
    async (path) => {
      const { headers } = await send(api().url + path);
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    },
  );
});

describe('the log', () => {
  test('counts it as no error that a client hangs up', async () => {
    const { lines, logger } = captureLog('trace');
    const { stack } = api();
    const { url, newUser } = await startTestApi(stack, { logger });
    const user = await newUser();
    const [call = ''] = await stack.addCalls(1, user.userId);
    stack.receiver.behaviour = neverAnswer;
    const abort = new AbortController();
    const gone = fetch(url + CREATE, {
      method: 'POST',
      headers: { authorization: user.key, 'content-type': 'application/json' },
      body: JSON.stringify({ call_ids: [call], webhook_url: stack.receiver.url }),
      signal: abort.signal,
    }).catch((error: Error) => error.name);
    await expect.poll(() => stack.receiver.requestsOf(call).length).toBe(1);
    abort.abort();
    expect(await gone).toBe('AbortError');
    await expect.poll(() => lines.join('')).toContain('the client has gone before its answer');
    expect(lines.filter((line) => JSON.parse(line).level >= 40)).toEqual([]);
    stack.receiver.requestsOf(call)[0]?.socket.destroy();
    stack.receiver.behaviour = answer(200);
  });

  test('has a line for each request, without keys, queries and payloads', async () => {
    const { lines, logger } = captureLog('trace');
    const { stack } = api();
    const { newUser } = await startTestApi(stack, { logger });
    const user = await newUser();
    const calls = await stack.addCalls(1, user.userId);
    await user.post(CREATE, { call_ids: calls, webhook_url: `${stack.receiver.url}?token=s3cret` });
    await user.get(`/v1/postcall/failed?url=${encodeURIComponent('https://example.com/?token=s3cret')}`);
    await user.post(CREATE, '{"s3cret');
    await expect.poll(() => lines.filter((line) => line.includes('"msg":"request"')).length).toBe(3);
    const log = lines.join('');
    expect(log).not.toContain(user.key);
    expect(log).not.toContain('s3cret');
    expect(log).not.toContain('Wants a call back');
    const [first = ''] = lines.filter((line) => line.includes('"msg":"request"'));
    expect(JSON.parse(first)).toMatchObject({
      method: 'POST',
      path: CREATE,
      status: 200,
      user_id: user.userId,
      batch_id: expect.stringMatching(/\./),
      request_id: expect.any(String),
    });
  });
});

describe('a shutdown', () => {
  test('answers what is in flight, cuts waits short, and closes the port', async () => {
    const { stack } = api();
    const { api: server, user } = await startOwnApi(stack);
    const call_ids = await stack.addCalls(1, user.userId);
    stack.receiver.behaviour = neverAnswer;
    const waiting = user.post(CREATE, { call_ids, webhook_url: stack.receiver.url }, { prefer: 'wait=60' });
    await expect.poll(() => stack.receiver.requestsOf(call_ids[0] ?? '').length).toBe(1);
    const stopped = server.stop();
    const { status, headers } = await waiting;
    expect(status).toBe(202);
    expect(headers.get('location')).toMatch(/^\/v1\/postcall\/batches\//);
    expect(headers.get('connection')).toBe('close');
    await stopped;
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed');
    await server.stop();
    stack.receiver.requestsOf(call_ids[0] ?? '')[0]?.socket.destroy();
    stack.receiver.behaviour = answer(200);
  });

  test('turns /readyz to 503 first, and goes on answering meanwhile', async () => {
    const { api: server, user } = await startOwnApi(api().stack, { drainMs: 1_000 });
    expect((await user.get('/readyz')).status).toBe(200);
    const stopped = server.stop();
    const { status, body } = await user.get('/readyz');
    expect([status, body.status]).toEqual([503, 'draining']);
    expect((await user.get('/v1/postcall/failed')).status).toBe(200);
    await stopped;
  });

  test('says that its port is taken', async () => {
    const { stack } = api();
    const { url } = await startOwnApi(stack);
    const http = { ...stack.config.http, host: '127.0.0.1', port: Number(new URL(url).port) };
    const config = { ...stack.config, http };
    await expect(startOwnApi(stack, { config })).rejects.toThrow('EADDRINUSE');
  });
});
