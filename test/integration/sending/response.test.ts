import type { LookupAddress } from 'node:dns';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import * as behaviours from '../../support/behaviours.js';
import { Receiver } from '../../support/receiver.js';
import { answered, failed, startSender } from './sender.js';

const { delayed, answer, endless, inTurn, neverAnswer, rawAnswer, redirectTo, reset, resetMidResponse, trickle } =
  behaviours;

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

  it.each(['120', 'Wed, 15 Jul 2026 12:01:30 GMT', ''])('brings its retry-after as it is: %j', async (value) => {
    await expect(sendTo(answer(503, { 'retry-after': value }))).resolves.toEqual(answered(503, value));
  });

  it('brings the first of several retry-after headers', async () => {
    await expect(
      sendTo(rawAnswer('HTTP/1.1 429 Slow Down\r\nretry-after: 7\r\nretry-after: 9\r\n\r\n')),
    ).resolves.toEqual(answered(429, '7'));
  });

  it('is waited for through informational ones', async () => {
    const informed: behaviours.Behaviour = (request, response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      response.writeProcessing();
      answer(202)(request, response);
    };
    await expect(sendTo(informed)).resolves.toEqual(answered(202));
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

  it.each([200, 500])('whose body never ends is cut off, and its status counts: %i', async (status) => {
    await using receiver = await Receiver.start({ behaviour: endless(status) });
    await expect(startSender()(receiver.url)).resolves.toEqual(answered(status));
    await expect.poll(() => receiver.inFlight).toBe(0);
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
    const outcome = await startSender({ timeoutMs: 300 })(receiver.url);
    expect(outcome).toEqual(failed('timeout', 'timed out after 300 ms'));
    await expect.poll(() => receiver.inFlight).toBe(0);
  });

  it('because only an informational one came', async () => {
    const outcome = await sendTo((_request, response) => response.writeProcessing(), 300);
    expect(outcome).toEqual(failed('timeout', 'timed out after 300 ms'));
  });

  it('because the endpoint resets the connection', async () => {
    await expect(sendTo(reset)).resolves.toEqual(failed('reset', 'connection closed before a response came'));
  });

  it('because the endpoint closes the connection', async () => {
    await expect(sendTo(rawAnswer(''))).resolves.toEqual(failed('reset', 'connection closed before a response came'));
  });

  it.each([
    ['gibberish', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['a broken status line', 'HTTP/1.1 abc\r\n\r\n'],
    [
      'an upgrade that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    ],
    ['too many headers', `HTTP/1.1 200 OK\r\n${'x: 1234567890\r\n'.repeat(2_000)}\r\n`],
  ])('because it is no HTTP: %s', async (_what, bytes) => {
    const outcome = await sendTo(rawAnswer(bytes));
    expect(outcome).toEqual(failed('invalid_response', /^invalid HTTP response: .+$/));
  });
});

describe('a response that does not come whole is none', () => {
  it('when its body trickles past the timeout', async () => {
    await using receiver = await Receiver.start({ behaviour: trickle(20) });
    const outcome = await startSender({ timeoutMs: 400 })(receiver.url);
    expect(outcome).toEqual(failed('timeout', 'timed out after 400 ms (status 200)'));
    await expect.poll(() => receiver.inFlight).toBe(0);
  });

  it('when the connection is reset in the middle of its body', async () => {
    const outcome = await sendTo(resetMidResponse(200));
    expect(outcome).toEqual(failed('reset', 'connection closed before the response ended (status 200)'));
  });

  it.each([
    ['its announced length', 'HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\n12345'],
    [
      'its announced length, not kept alive',
      'HTTP/1.1 201 Created\r\nconnection: close\r\ncontent-length: 10\r\n\r\n12345',
    ],
    [
      'its last chunk, not kept alive',
      'HTTP/1.1 201 Created\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n',
    ],
    ['its last chunk', 'HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n'],
  ])('when the connection is closed before %s', async (_what, bytes) => {
    const outcome = await sendTo(rawAnswer(bytes));
    expect(outcome).toEqual(failed('reset', 'connection closed before the response ended (status 201)'));
  });
});

describe('many attempts', () => {
  it('go on after the endpoint has been away: refused while it is down, delivered when it is back', async () => {
    await using receiver = await Receiver.start();
    const send = startSender();
    const sendAll = async () => {
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => send(receiver.url)));
      return new Set(outcomes.map(({ response_code, error_kind }) => response_code ?? error_kind));
    };
    expect(await sendAll()).toEqual(new Set([200]));
    await receiver.close();
    // Connections that were idle when the endpoint went away may be noticed only when they are used.
    expect(['refused', 'reset']).toEqual(expect.arrayContaining([...(await sendAll())]));
    expect(await sendAll()).toEqual(new Set(['refused']));
    await receiver.listen();
    expect(await sendAll()).toEqual(new Set([200]));
    expect(receiver.requests).toHaveLength(100);
  });

  it('are each answered for themselves', async () => {
    await using receiver = await Receiver.start({ behaviour: inTurn(answer(500), reset, neverAnswer, answer(200)) });
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
    const send = startSender({ timeoutMs: 300, connectionsPerEndpoint: 1, lookup: () => resolved });
    const outcomes = await Promise.all([send(url), send(url), send(url)]);
    expect(outcomes).toEqual(Array.from({ length: 3 }, () => failed('timeout', 'timed out after 300 ms')));
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
