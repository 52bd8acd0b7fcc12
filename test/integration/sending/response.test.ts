import type { LookupAddress } from 'node:dns';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import * as behaviours from '../../support/behaviours.js';
import { Receiver } from '../../support/receiver.js';
import { answered, failed, startSender } from './sender.js';

const {
  delayed,
  answer,
  endless,
  inTurn,
  neverAnswer,
  rawAnswer,
  rawPieces,
  redirectTo,
  reset,
  resetMidResponse,
  trickle,
} = behaviours;

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const CREATED = 'HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n';

const ok = (rest: string): string => `HTTP/1.1 200 OK\r\n${rest}`;

const sendTo = async (behaviour: behaviours.Behaviour, timeoutMs = 5_000) => {
  await using receiver = await Receiver.start({ behaviour });
  return await startSender({ timeoutMs })(receiver.url);
};

describe('a whole response', () => {
  it.each([200, 201, 202, 204, 304, 400, 401, 404, 410, 429, 500, 503, 599])('is its status: %i', async (status) => {
    await expect(sendTo(answer(status))).resolves.toEqual(answered(status));
  });

  it.each([301, 302, 303, 307, 308])('is not followed when it redirects: %i', async (status) => {
    await using elsewhere = await Receiver.start();
    await using receiver = await Receiver.start({ behaviour: redirectTo(elsewhere.url, status) });
    await expect(startSender()(receiver.url)).resolves.toEqual(answered(status));
    expect(receiver.requests).toHaveLength(1);
    expect(elsewhere.requests).toHaveLength(0);
  });

  it.each([
    ['120', 120_000],
    ['0', 0],
    ['', null],
    ['soon', null],
    ['Wed, 15 Jul 2015 12:01:30 GMT', 0],
  ])('says with retry-after how long to wait: %j', async (value, milliseconds) => {
    await expect(sendTo(answer(503, { 'retry-after': value }))).resolves.toEqual(answered(503, milliseconds));
  });

  it.each([2015, 2036])('dates its retry-after by its own clock: in the year %i', async (year) => {
    const head = `date: Wed, 15 Jul ${year} 12:00:00 GMT\r\nretry-after: Wed, 15 Jul ${year} 12:01:30 GMT\r\n`;
    const end = await sendTo(rawAnswer(`HTTP/1.1 503 Busy\r\n${head}content-length: 0\r\n\r\n`));
    expect(end).toEqual(answered(503, 90_000));
  });

  it('brings the first of several retry-after headers', async () => {
    await expect(
      sendTo(rawAnswer('HTTP/1.1 429 Slow Down\r\nretry-after: 7\r\nretry-after: 9\r\n\r\n')),
    ).resolves.toEqual(answered(429, 7_000));
  });

  it('is waited for through informational ones', async () => {
    const informed: behaviours.Behaviour = (request, response) => {
      response.writeContinue();
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      response.writeProcessing();
      answer(202)(request, response);
    };
    await expect(sendTo(informed)).resolves.toEqual(answered(202));
  });

  it.each([
    ['at once', [`${CONTINUE}${CREATED}`]],
    ['one after the other', [CONTINUE, CREATED]],
    ['byte by byte', [...CONTINUE, ...CREATED]],
    ['several times', [CONTINUE, CONTINUE, `${CONTINUE}${CONTINUE}${CREATED}`]],
    ['with headers', [`HTTP/1.1 100 Continue\r\ndate: now\r\nx: y\r\n\r\n${CREATED}`]],
    ['without a reason', [`HTTP/1.1 100\r\n\r\n${CREATED}`]],
    ['after early hints', [`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${CREATED}`]],
  ])('follows an unrequested 100 Continue: %s', async (_how, pieces) => {
    await expect(sendTo(rawPieces(pieces))).resolves.toEqual(answered(201));
  });

  it('follows a 100 Continue on every request of a connection', async () => {
    await using receiver = await Receiver.start({ behaviour: rawPieces([`${CONTINUE}${CREATED}`], { keep: true }) });
    const send = startSender({ connectionsPerOrigin: 1 });
    for (let count = 0; count < 3; count++) await expect(send(receiver.url)).resolves.toEqual(answered(201));
    expect(receiver.connections).toBe(1);
  });

  it('may hold the text of a 100 Continue in its body', async () => {
    await using receiver = await Receiver.start({ behaviour: answer(200, {}, CONTINUE.repeat(2)) });
    const send = startSender({ connectionsPerOrigin: 1 });
    for (let count = 0; count < 3; count++) await expect(send(receiver.url)).resolves.toEqual(answered(200));
    expect(receiver.connections).toBe(1);
  });

  it.each([
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nok'],
    ['an upgrade on offer', 'HTTP/1.1 200 OK\r\nupgrade: h2c\r\nconnection: upgrade\r\ncontent-length: 0\r\n\r\n'],
    ['an empty line before it', '\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'],
    ['a head of 15 KiB', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(15 * 1024)}\r\ncontent-length: 0\r\n\r\n`],
  ])('may come with %s', async (_what, bytes) => {
    await expect(sendTo(rawAnswer(bytes))).resolves.toEqual(answered(200));
  });

  it('is waited for while the endpoint is slow', async () => {
    await expect(sendTo(delayed(300, answer(200)))).resolves.toEqual(answered(200));
  });

  it('tells how long it took', async () => {
    const { response_time_ms } = await sendTo(delayed(200, answer(200)));
    expect(Number.isInteger(response_time_ms)).toBe(true);
    expect(response_time_ms).toBeGreaterThanOrEqual(190);
  });

  it('is not decompressed', async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    const packed: behaviours.Behaviour = (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
    };
    await expect(sendTo(packed)).resolves.toEqual(answered(200));
  });

  it('whose body is short leaves the connection open, so that the next request uses it', async () => {
    await using receiver = await Receiver.start({ behaviour: answer(500, {}, '.'.repeat(16 * 1024)) });
    const send = startSender();
    for (let count = 0; count < 10; count++) await send(receiver.url);
    // undici rests a connection for one turn of the event loop before it uses it again.
    expect(receiver.connections).toBeLessThanOrEqual(2);
  });
});

describe('a response whose body goes wrong is its status all the same', () => {
  it.each([200, 410, 500])('when the body never ends: it is cut off: %i', async (status) => {
    await using receiver = await Receiver.start({ behaviour: endless(status) });
    await expect(startSender()(receiver.url)).resolves.toEqual(answered(status));
    await expect.poll(() => receiver.inFlight).toBe(0);
  });

  it.each([200, 410, 500])('when the body trickles past the timeout: %i', async (status) => {
    await using receiver = await Receiver.start({ behaviour: trickle(20, status) });
    await expect(startSender({ timeoutMs: 400 })(receiver.url)).resolves.toEqual(answered(status));
    await expect.poll(() => receiver.inFlight).toBe(0);
  });

  it.each([200, 410, 500])('when the connection is reset in the middle of it: %i', async (status) => {
    await expect(sendTo(resetMidResponse(status))).resolves.toEqual(answered(status));
  });

  it.each([
    ['its announced length', 'content-length: 10\r\n\r\n12345'],
    ['its announced length, not kept alive', 'connection: close\r\ncontent-length: 10\r\n\r\n12345'],
    ['its last chunk', 'transfer-encoding: chunked\r\n\r\n5\r\n12345\r\n'],
    ['its last chunk, not kept alive', 'connection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n'],
  ])('when the connection is closed before %s', async (_what, rest) => {
    await expect(sendTo(rawAnswer(`HTTP/1.1 201 Created\r\n${rest}`))).resolves.toEqual(answered(201));
  });

  it.each([
    ['a 204 with a length', 204, 'content-length: 5\r\n\r\nhello'],
    ['a 204 with a length and nothing', 204, 'content-length: 5\r\n\r\n'],
    ['a 204 with chunks', 204, 'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    ['a 304 with a length', 304, 'content-length: 5\r\n\r\n'],
    ['more than announced', 200, 'content-length: 1\r\n\r\nhello'],
    ['a chunk without a size', 200, 'transfer-encoding: chunked\r\n\r\nzz\r\n'],
    ['a coding that is none', 200, 'transfer-encoding: chunked, chunked\r\n\r\nhello'],
  ])('when it is framed wrongly: %s', async (_what, status, rest) => {
    await expect(sendTo(rawAnswer(`HTTP/1.1 ${status} Done\r\n${rest}`))).resolves.toEqual(answered(status));
  });

  it('with its retry-after', async () => {
    const bytes = 'HTTP/1.1 503 Busy\r\nretry-after: 60\r\ncontent-length: 10\r\n\r\n12345';
    await expect(sendTo(rawAnswer(bytes))).resolves.toEqual(answered(503, 60_000));
  });
});

describe('a response that does not come', () => {
  it('because nobody listens', async () => {
    await using receiver = await Receiver.start();
    await receiver.close();
    await expect(startSender()(receiver.url)).resolves.toEqual(failed('refused', 'connection refused'));
  });

  it('because the endpoint stays silent: the connection is given up', async () => {
    await using receiver = await Receiver.start({ behaviour: neverAnswer });
    const end = await startSender({ timeoutMs: 300 })(receiver.url);
    expect(end).toEqual(failed('timeout', 'timed out after 300 ms'));
    await expect.poll(() => receiver.inFlight).toBe(0);
  });

  it('because only an informational one came', async () => {
    const end = await sendTo((_request, response) => response.writeProcessing(), 300);
    expect(end).toEqual(failed('timeout', 'timed out after 300 ms'));
  });

  it('because the endpoint resets the connection', async () => {
    await expect(sendTo(reset)).resolves.toEqual(failed('reset', 'connection closed before a response came'));
  });

  it('because the endpoint closes the connection', async () => {
    await expect(sendTo(rawAnswer(''))).resolves.toEqual(failed('reset', 'connection closed before a response came'));
  });

  it.each([
    ['gibberish', 'SSH-2.0-OpenSSH_9.9\r\n', 'Expected HTTP/, RTSP/ or ICE/'],
    ['a body alone', '<html>ok</html>', 'Expected HTTP/, RTSP/ or ICE/'],
    ['no status', 'HTTP/1.1 abc\r\n\r\n', 'Invalid status code'],
    ['a status that is none', 'HTTP/1.1 099 Low\r\n\r\n', 'status code 99'],
    [
      'an upgrade',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
      'an unrequested upgrade',
    ],
    ['too many headers', `HTTP/1.1 200 OK\r\n${'x: 1234567890\r\n'.repeat(2_000)}\r\n`, 'headers too large'],
    ['two lengths', ok('content-length: 2\r\ncontent-length: 3\r\n\r\nok'), 'more than one Content-Length'],
    ['two equal lengths', ok('content-length: 2\r\nContent-Length: 2\r\n\r\nok'), 'more than one Content-Length'],
    ['a list of lengths', ok('content-length: 2, 2\r\n\r\nok'), 'a Content-Length that is no number of bytes'],
    [
      'an absurd length',
      ok(`content-length: ${'9'.repeat(30)}\r\n\r\n`),
      'a Content-Length that is no number of bytes',
    ],
    [
      'a length and chunks',
      ok('content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'),
      'both Content-Length and Transfer-Encoding',
    ],
    [
      'chunks and a length',
      ok('transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n'),
      'both Content-Length and Transfer-Encoding',
    ],
    ['LF alone', 'HTTP/1.1 200 OK\ncontent-length: 0\n\n', 'a line of its head ends in LF without CR'],
    ['LF in one line', ok('content-length: 0\nx: y\r\n\r\n'), 'a line of its head ends in LF without CR'],
    ['LF at the end', ok('content-length: 0\r\n\n'), 'a line of its head ends in LF without CR'],
    ['LF after 100 Continue', 'HTTP/1.1 100 Continue\n\n', 'a line of its head ends in LF without CR'],
    [
      'a line without a name',
      ok('content-length: 0\r\nhello world\r\n\r\n'),
      'a header line without a name and a colon',
    ],
    ['a folded line', ok('x: y\r\n z\r\n\r\n'), 'a folded header line'],
    ['a NUL', ok('x: \0\r\n\r\n'), 'Invalid header value char'],
    ['a NUL after a length', ok('content-length: 2\r\nx: \0\r\n\r\nok'), 'a malformed head'],
  ])('because it is malformed: %s', async (_what, bytes, defect) => {
    const end = await sendTo(rawAnswer(bytes));
    expect(end).toEqual(failed('invalid_response', `invalid HTTP response: ${defect}`));
  });

  it('because it is malformed, in whatever pieces it comes', async () => {
    const pieces = ['HTTP/1.1 200 OK\r\n', 'content-length: 2\r\n', 'content-length: 2\r\n', '\r\n', 'ok'];
    const end = await sendTo(rawPieces(pieces));
    expect(end).toEqual(failed('invalid_response', 'invalid HTTP response: more than one Content-Length'));
  });
});

describe('many attempts', () => {
  it('go on after the endpoint has been away: refused while it is down, delivered when it is back', async () => {
    await using receiver = await Receiver.start();
    const send = startSender();
    const sendAll = async () => {
      const ends = await Promise.all(Array.from({ length: 50 }, () => send(receiver.url)));
      return new Set(ends.map(({ response_code, error_kind }) => response_code ?? error_kind));
    };
    expect(await sendAll()).toEqual(new Set([200]));
    await receiver.close();
    expect(await sendAll()).toEqual(new Set(['refused']));
    await receiver.listen();
    expect(await sendAll()).toEqual(new Set([200]));
    expect(receiver.requests).toHaveLength(100);
  });

  it('are each answered for themselves', async () => {
    const breakOff = rawAnswer('HTTP/1.1');
    await using receiver = await Receiver.start({ behaviour: inTurn(answer(500), breakOff, neverAnswer, answer(200)) });
    const send = startSender({ timeoutMs: 1_000 });
    const deliver = async (webhook_id: string) => {
      const codes: (number | string | null)[] = [];
      for (let count = 0; count < 4; count++) {
        const { response_code, error_kind } = await send(receiver.url, { webhook_id });
        codes.push(response_code ?? error_kind);
      }
      return codes;
    };
    const all = await Promise.all(Array.from({ length: 20 }, (_, index) => deliver(`msg_${index}`)));
    expect(all).toEqual(Array.from({ length: 20 }, () => [500, 'reset', 'timeout', 200]));
    expect(receiver.requests).toHaveLength(80);
  });

  it('that wait for a connection in vain are never sent', async () => {
    await using receiver = await Receiver.start();
    const url = receiver.url.replace('127.0.0.1', 'endpoint.test');
    let resolve = (_addresses: LookupAddress[]) => {};
    const resolved = new Promise<LookupAddress[]>((done) => {
      resolve = done;
    });
    const send = startSender({ timeoutMs: 300, connectionsPerOrigin: 1, lookup: () => resolved });
    const ends = await Promise.all([send(url), send(url), send(url)]);
    expect(ends).toEqual(Array.from({ length: 3 }, () => failed('timeout', 'timed out after 300 ms')));
    resolve([{ address: '127.0.0.1', family: 4 }]);
    await expect(send(url, { webhook_id: 'msg_2' })).resolves.toEqual(answered(200));
    expect(receiver.requests.map(({ webhookId }) => webhookId)).toEqual(['msg_2']);
  });

  it('finish before the sender closes, and none is taken afterwards', async () => {
    const { createSender } = await import('../../../activities/send.js');
    await using receiver = await Receiver.start({ behaviour: delayed(200, answer(200)) });
    const sender = createSender({ allowNetworks: ['127.0.0.0/8'], timeoutMs: 5_000, userAgent: 'test' });
    const request = { url: receiver.url, payload: '{}', webhook_id: 'msg_1', secrets: [] };
    const sent = sender.send(request);
    await sender.close();
    await expect(sent).resolves.toEqual(answered(200));
    await expect(sender.send(request)).rejects.toMatchObject({ code: 'UND_ERR_DESTROYED' });
  });
});
