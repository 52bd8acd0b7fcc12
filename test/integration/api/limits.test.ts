import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { send, sharedApi, startTestApi } from '../../support/api.js';

const CREATE = '/v1/postcall/webhooks/create';
const api = sharedApi();

const fault = (message: string) => ({ data: null, errors: [{ error: 'invalid_parameter', message }] });

/** Sends bytes to the API's port, and reads until it closes the connection. */
async function sendBytes(url: string, bytes: string): Promise<{ status: string; body: unknown }> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  socket.write(bytes);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  return { status: head.split('\r\n')[0] ?? '', body: JSON.parse(body) };
}

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
  ])('answers 405 for %s %s, and says what is allowed', async (method, path, allow) => {
    const { status, headers, body } = await send(api().url + path, { method });
    expect(status).toBe(405);
    expect(headers.get('allow')).toBe(allow);
    expect(body).toEqual(fault(`The method must be one of ${allow}.`));
  });

  test.each(['/', '/v1', '/v1/postcall/webhooks', '/v2/postcall/webhooks/create'])(
    'answers 404 for %s',
    async (path) => {
      const { status, body } = await send(api().url + path);
      expect(status).toBe(404);
      expect(body).toEqual({ data: null, errors: [{ error: 'NOT_FOUND', message: 'There is no such path.' }] });
    },
  );

  test('answers what is no HTTP with 400, and closes the connection', async () => {
    const { status, body } = await sendBytes(api().url, 'HELLO\r\n\r\n');
    expect(status).toBe('HTTP/1.1 400 Bad Request');
    expect(body).toEqual(fault('The request must be HTTP/1.1.'));
  });

  test('answers 431 for headers that are too large', async () => {
    const { status, body } = await sendBytes(
      api().url,
      `GET / HTTP/1.1\r\nhost: x\r\nlarge: ${'x'.repeat(100_000)}\r\n\r\n`,
    );
    expect(status).toBe('HTTP/1.1 431 Request Header Fields Too Large');
    expect(body).toEqual(fault('The headers are too large.'));
  });

  test('gives a client that sends too slowly up with 408', async () => {
    const { app, url } = await startTestApi(api().stack);
    expect(app.server).toMatchObject({ requestTimeout: 30_000, headersTimeout: 10_000, timeout: 90_000 });
    app.server.requestTimeout = 200;
    app.server.headersTimeout = 100;
    const { status, body } = await sendBytes(url, 'POST / HTTP/1.1\r\nhost: x\r\n');
    expect(status).toBe('HTTP/1.1 408 Request Timeout');
    expect(body).toEqual(fault('The request must arrive whole within 30 seconds.'));
  });
});
