import { describe, expect, test } from 'vitest';
import { send, sharedApi, startTestApi } from '../../support/api.js';
import { sendBytes } from '../../support/raw-http.js';

const CREATE = '/v1/postcall/webhooks/create';
const api = sharedApi();

const fault = (message: string) => ({ data: null, errors: [{ error: 'invalid_parameter', message }] });

describe('limits', () => {
  test('answers 413 for a body above 2 MiB', async () => {
    const { post } = await api().newUser();
    const { status, body } = await post(CREATE, `"${'x'.repeat(2 * 1024 * 1024)}"`);
    expect(status).toBe(413);
    expect(body).toEqual(fault('The body is too large; send the calls in several requests.'));
  });

  test('reads 10,000 call IDs of full length before it says that they are too many bytes for one batch', async () => {
    const { post } = await api().newUser();
    const call_ids = Array.from({ length: 10_000 }, (_, index) => `${index}-`.padEnd(128, 'x'));
    const fits = await post(CREATE, { call_ids: call_ids.slice(0, 1), webhook_url: 'https://example.com/' });
    expect(fits.body.errors[0].message).toContain('was not found');
    const wide = call_ids.map((id) => id.replaceAll('x', 'é').slice(0, 100));
    const { status, body } = await post(CREATE, { call_ids: wide, webhook_url: 'https://example.com/' });
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ message: expect.stringContaining('send the calls in several requests') }]);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'multipart/form-data; boundary=x'])(
    'answers 415 for %s',
    async (type) => {
      const { post } = await api().newUser();
      const { status, body } = await post(CREATE, 'call_ids=a', { 'content-type': type });
      expect(status).toBe(415);
      expect(body).toEqual(fault('The content-type must be application/json.'));
    },
  );

  test('takes JSON with a charset', async () => {
    const { post } = await api().newUser();
    const { status } = await post(CREATE, '{}', { 'content-type': 'application/json; charset=utf-8' });
    expect(status).toBe(400);
  });

  test.each([
    ['PUT', CREATE, 'GET, HEAD, POST'],
    ['DELETE', '/v1/postcall/webhooks/c-1', 'GET, HEAD'],
    ['POST', '/v1/postcall/failed', 'GET, HEAD'],
    ['GET', '/v1/postcall/failed/resend', 'POST'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['POST', '/openapi.json', 'GET, HEAD'],
    ['PROPFIND', CREATE, 'GET, HEAD, POST'],
    ['QUERY', '/healthz', 'GET, HEAD'],
    ['PATCH', '/v1/postcall/batches/b_1.0/p%61use', 'POST'],
    ['POST', '/docs', 'GET, HEAD'],
  ])('answers 405 for %s %s, and says what is allowed', async (method, path, allow) => {
    const { status, headers, body } = await send(api().url + path, { method });
    expect(status).toBe(405);
    expect(headers.get('allow')).toBe(allow);
    expect(body).toEqual(fault(`The method must be one of ${allow}.`));
  });

  test.each(['/', '/v1', '/v1/postcall/webhooks', '/v2/postcall/webhooks/create', '/docs/static/none'])(
    'answers 404 for %s',
    async (path) => {
      const { status, body } = await send(api().url + path);
      expect(status).toBe(404);
      expect(body).toEqual({ data: null, errors: [{ error: 'NOT_FOUND', message: 'There is no such path.' }] });
    },
  );

  test('gives a client that sends too slowly up with 408', async () => {
    const { app, url } = await startTestApi(api().stack);
    expect(app.server).toMatchObject({ requestTimeout: 30_000, headersTimeout: 10_000, timeout: 90_000 });
    app.server.requestTimeout = 200;
    app.server.headersTimeout = 100;
    const { status, body } = await sendBytes(url, 'POST / HTTP/1.1\r\nhost: x\r\n');
    expect(status).toBe('HTTP/1.1 408 Request Timeout');
    expect(body).toEqual(fault('The headers must arrive within 10 seconds, and the whole request within 30.'));
  });
});
