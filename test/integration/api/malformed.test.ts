import { METHODS } from 'node:http';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ApiUser, sharedApi } from '../../support/api.js';
import { sendBytes } from '../../support/raw-http.js';

const RESEND_FAILED = '/v1/postcall/failed/resend';
const PAUSE = '/v1/postcall/batches/b_none.0/pause';
const REQUEST_ID = /^[0-9a-f-]{36}$/;
const api = sharedApi();
let user: ApiUser;
beforeAll(async () => {
  user = await api().newUser();
});

const fault = (message: string) => ({ data: null, errors: [{ error: 'invalid_parameter', message }] });

/** A request with these lines behind its first one. */
const request = (line: string, headers: string[], body: string | Buffer = '') =>
  Buffer.concat([Buffer.from(`${[line, ...headers].join('\r\n')}\r\n\r\n`), Buffer.from(body)]);

/** A POST by the user, whose connection ends with the answer. */
const post = (path: string, headers: string[], body: string | Buffer = '') =>
  request(`POST ${path} HTTP/1.1`, ['host: x', 'connection: close', `authorization: ${user.key}`, ...headers], body);

const withLength = (body: string | Buffer) => `content-length: ${Buffer.byteLength(body)}`;

describe('a request that is no HTTP is told its fault', () => {
  test.each<[what: string, bytes: string, status: number, message: string]>([
    ['no request', 'HELLO\r\n\r\n', 400, 'The request must begin with a method that HTTP/1.1 knows.'],
    ['an unknown method', 'FOO / HTTP/1.1\r\n\r\n', 400, 'The request must begin with a method that HTTP/1.1 knows.'],
    ['a TLS handshake', '\u0016\u0003\u0001\u0002\u0000\u0001', 400, 'TLS ends before this server.'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'HTTP/2 is not spoken here.'],
    ['a version that there is not', 'GET / HTTP/3.7\r\n\r\n', 400, 'must end with HTTP/1.1 and CR LF.'],
    ['lines that end with LF', 'GET / HTTP/1.1\nhost: x\n\n', 400, 'must end with HTTP/1.1 and CR LF.'],
    ['a space in a header name', 'GET / HTTP/1.1\r\nhost: x\r\na b: c\r\n\r\n', 400, 'A header must be a name'],
    ['NUL in a header', 'GET / HTTP/1.1\r\nhost: x\r\na: b\0c\r\n\r\n', 400, 'A header must be a name'],
    ['a header without a colon', 'GET / HTTP/1.1\r\nhost: x\r\nabc\r\n\r\n', 400, 'A header must be a name, a colon'],
    ['a space before a header', 'GET / HTTP/1.1\r\n host: x\r\n\r\n', 400, 'must not begin with a space.'],
    ['a CR without LF', 'GET / HTTP/1.1\rhost: x\r\n\r\n', 400, 'Every line and every chunk'],
    ['a path without a slash', 'GET healthz HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'The path must begin with a slash'],
    ['a letter beyond ASCII', 'GET /\u00e9 HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'only visible ASCII characters'],
    ['two hosts', 'GET /healthz HTTP/1.1\r\nhost: x\r\nHost: x\r\nconnection: close\r\n\r\n', 400, 'one host header.'],
    [
      'what comes after the last request',
      'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\nGET',
      400,
      'Nothing may',
    ],
    ['no host', 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'must have one host header.'],
    ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n', 405, 'The method must be one of GET, HEAD, POST.'],
    [
      'an expectation that there is not',
      'POST / HTTP/1.1\r\nhost: x\r\nexpect: much\r\n\r\n',
      417,
      'The expect header must be 100-continue.',
    ],
    ['headers that are too large', `GET / HTTP/1.1\r\nlarge: ${'x'.repeat(100_000)}\r\n\r\n`, 431, 'at most 16 kB'],
  ])('%s', async (_, bytes, status, message) => {
    const answered = await sendBytes(api().url, Buffer.from(bytes, 'latin1'));
    expect(answered.status).toContain(`HTTP/1.1 ${status} `);
    expect(answered.body).toEqual(fault(expect.stringContaining(message)));
    expect(answered.headers.get('x-request-id')).toMatch(REQUEST_ID);
  });

  test.each<[what: string, headers: string[], body: string, message: string]>([
    ['a content-length that is no number', ['content-length: x'], '', 'The content-length must be one number,'],
    ['two content-lengths', ['content-length: 1', 'content-length: 2'], '', 'There must be one content-length at most'],
    [
      'content-length beside transfer-encoding',
      ['content-length: 1', 'transfer-encoding: chunked'],
      '',
      'have no content-length beside it.',
    ],
    [
      'transfer-encoding beside content-length',
      ['transfer-encoding: chunked', 'content-length: 1'],
      '',
      'with no transfer-encoding beside it.',
    ],
    [
      'a chunk that is longer than its size',
      ['transfer-encoding: chunked'],
      '2\r\n{}}\r\n0\r\n\r\n',
      'as its size says.',
    ],
    ['another transfer-encoding', ['transfer-encoding: x'], '', 'The transfer-encoding must be chunked'],
    ['a chunk without a size', ['transfer-encoding: chunked'], 'zz\r\n', 'A chunk of the body does not begin'],
    [
      'a later chunk without a size',
      ['transfer-encoding: chunked'],
      '1\r\n{\r\nzz\r\n',
      'A chunk of the body does not',
    ],
  ])('%s', async (_, headers, body, message) => {
    const bytes = post(RESEND_FAILED, ['content-type: application/json', ...headers], body);
    const answered = await sendBytes(api().url, bytes);
    expect(answered.status).toBe('HTTP/1.1 400 Bad Request');
    expect(answered.body).toEqual(fault(expect.stringContaining(message)));
  });

  test('a body that ends early', async () => {
    const bytes = post(RESEND_FAILED, ['content-type: application/json', 'content-length: 10'], '{');
    const { status, body } = await sendBytes(api().url, bytes, { end: true });
    expect([status, body]).toEqual(['HTTP/1.1 400 Bad Request', fault('The request ended before it was complete.')]);
  });
});

describe('the body of a request', () => {
  test.each<[what: string, headers: string[], body: string | Buffer, status: number, message: string]>([
    ['that is not UTF-8', [], Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400, 'The body must be UTF-8.'],
    ['in another charset', ['content-type: application/json; charset=latin1'], '{}', 415, 'must be utf-8.'],
    ['in UTF-16', ['content-type: application/json;charset="utf-16"'], '{}', 415, 'must be utf-8.'],
    ['that is compressed', ['content-encoding: gzip'], '{}', 415, 'must not have a content-encoding.'],
    ['that is a form', ['content-type: application/x-www-form-urlencoded'], 'a=b', 415, 'must be application/json.'],
    ['that is no JSON', [], '{', 400, 'The body must be JSON.'],
    ['with a byte order mark', ['content-encoding: identity'], '\ufeff{}', 400, 'since is required'],
    ['that says that it is ASCII', ['content-type: application/json;charset=US-ASCII'], '{}', 400, 'since is required'],
  ])('%s', async (_, headers, body, status, message) => {
    const type = headers.some((line) => line.startsWith('content-type')) ? [] : ['content-type: application/json'];
    const answered = await sendBytes(api().url, post(RESEND_FAILED, [...headers, ...type, withLength(body)], body));
    expect(answered.status).toContain(`HTTP/1.1 ${status} `);
    expect(answered.body).toEqual(fault(expect.stringContaining(message)));
  });

  test.each<[what: string, headers: string[], bytes?: string]>([
    ['as curl -d "" sends it', ['content-type: application/x-www-form-urlencoded', 'content-length: 0']],
    ['declared as JSON', ['content-type: application/json', 'content-length: 0']],
    ['declared as text, without a length', ['content-type: text/plain']],
    ['not declared', []],
    ['chunked', ['content-type: application/x-www-form-urlencoded', 'transfer-encoding: chunked'], '0\r\n\r\n'],
  ])('may be absent where none is needed: %s', async (_, headers, bytes = '') => {
    const pause = await sendBytes(api().url, post(PAUSE, headers, bytes));
    expect(pause.status).toBe('HTTP/1.1 404 Not Found');
    const needed = await sendBytes(api().url, post(RESEND_FAILED, headers, bytes));
    expect(needed.status).toBe('HTTP/1.1 400 Bad Request');
    expect(needed.body).toEqual(fault('the body must be a JSON object'));
  });
});

describe('any method on any path', () => {
  const PATHS = [
    '/healthz',
    '/readyz',
    '/docs/static/../../x',
    '/docs/static/%2e%2e/x',
    `/docs/static/${'x'.repeat(5_000)}`,
    '/docs/static/x%00',
    RESEND_FAILED,
    '/v1/postcall/webhooks/%00',
    '/v1/postcall/batches/%F0%9F%8E%A7/webhooks',
    '/v1/postcall/batches/%ff/retry',
    '*',
    '/%',
    '//',
    'http://elsewhere/healthz?x',
  ];

  test.each(METHODS.filter((method) => method !== 'CONNECT'))(
    '%s is answered by us, and with no 5xx',
    async (method) => {
      for (const path of PATHS) {
        for (const headers of [[], [`authorization: ${user.key}`]]) {
          const bytes = request(`${method} ${path} HTTP/1.1`, ['host: x', 'connection: close', ...headers]);
          const { status, headers: answered } = await sendBytes(api().url, bytes, { head: method === 'HEAD' });
          expect(status, `${method} ${path}`).toMatch(/^HTTP\/1.1 [24]/);
          if (status.includes(' 405 ')) expect(answered.get('allow'), path).toMatch(/GET|POST/);
          expect(answered.get('x-request-id'), `${method} ${path}`).toMatch(REQUEST_ID);
          expect(answered.get('content-type'), `${method} ${path}`).toMatch(/^application\/json/);
        }
      }
    },
  );

  const READ = 'GET, HEAD';
  test.each([
    ['/healthz', READ],
    ['/%68ealthz?x', READ],
    ['http://elsewhere/healthz', READ],
    ['/docs', READ],
    ['/docs/', READ],
    ['/docs/static/a/b', READ],
    [PAUSE, 'POST'],
    ['/v1/postcall/webhooks/a%2Fb', READ],
    // A call may be named so.
    ['/v1/postcall/webhooks/create', 'GET, HEAD, POST'],
    ['/v1/postcall/webhooks', undefined],
    ['/healthz/', undefined],
  ])('another one on %s is answered with the methods that it has: %s', async (path, allow) => {
    const bytes = request(`QUERY ${path} HTTP/1.1`, ['host: x', 'connection: close']);
    const { status, headers } = await sendBytes(api().url, bytes);
    expect(status).toMatch(allow ? / 405 / : / 404 /);
    expect(headers.get('allow') ?? undefined).toBe(allow);
  });
});
