import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createSender } from '../../../activities/send.js';
import { answer, type Behaviour, delayed, neverAnswer, rawAnswer, reset } from '../../support/behaviours.js';
import { type Certificate, localhostCertificate } from '../../support/certificates.js';
import { ImpatientReceivers } from '../../support/impatient-receivers.js';
import { Receiver } from '../../support/receiver.js';
import { answered, failed, LOOPBACK, startSender } from './sender.js';

const NO_RESPONSE = failed('reset', 'connection closed before a response came');

/** One behaviour for requests over the connections that the receiver knows, another for those over new ones. */
function byConnection({ requests }: Receiver, { known, fresh }: { known: Behaviour; fresh: Behaviour }): Behaviour {
  const used = new Set(requests.map(({ socket }) => socket));
  return (request, response) => (used.has(request.socket) ? known : fresh)(request, response);
}

interface SecondRequest {
  /** Default: answers 200. */
  fresh?: Behaviour;
  timeoutMs?: number;
  certificate?: Certificate;
}

/** Sends a request that is answered, and `msg_2` over the same connection, to which the receiver then does something else. */
async function sendTwice(known: Behaviour, { fresh = answer(200), timeoutMs = 5_000, ...tls }: SecondRequest = {}) {
  await using receiver = await Receiver.start(tls);
  const ca = tls.certificate && { ca: tls.certificate.cert };
  const send = startSender({ timeoutMs, connectionsPerOrigin: 1, ...ca });
  await expect(send(receiver.url)).resolves.toEqual(answered(200));
  receiver.behaviour = byConnection(receiver, { known, fresh });
  const end = await send(receiver.url, { webhook_id: 'msg_2' });
  return { end, sent: receiver.requests.slice(1).map(({ webhookId }) => webhookId) };
}

describe('a kept connection that breaks off before a byte of the response', () => {
  it.each([
    ['reset', reset],
    ['closed', rawAnswer('')],
  ])('is replaced by a fresh one in the same attempt: %s', async (_how, breakOff) => {
    const { end, sent } = await sendTwice(breakOff);
    expect(end).toEqual(answered(200));
    expect(sent).toEqual(['msg_2', 'msg_2']);
  });

  it('is replaced over TLS as well', async () => {
    const { end, sent } = await sendTwice(rawAnswer(''), { certificate: localhostCertificate() });
    expect(end).toEqual(answered(200));
    expect(sent).toEqual(['msg_2', 'msg_2']);
  });

  it('is replaced while the request is still being written', async () => {
    const url = await startImpatient();
    const send = startSender({ connectionsPerOrigin: 1 });
    await expect(send(url)).resolves.toEqual(answered(200));
    await expect(send(url, { payload: `"${'.'.repeat(20_000_000)}"` })).resolves.toEqual(answered(200));
  });

  it.each([500, 410])('is replaced also when the answer is then %i', async (status) => {
    const { end } = await sendTwice(reset, { fresh: answer(status) });
    expect(end).toEqual(answered(status));
  });

  it('is replaced once: a fresh connection that breaks off is a failed attempt', async () => {
    const { end, sent } = await sendTwice(reset, { fresh: reset });
    expect(end).toEqual(NO_RESPONSE);
    expect(sent).toEqual(['msg_2', 'msg_2']);
  });

  it('is replaced within the time of the one attempt', async () => {
    const { end, sent } = await sendTwice(reset, { fresh: neverAnswer, timeoutMs: 300 });
    expect(end).toEqual(failed('timeout', 'timed out after 300 ms'));
    expect(sent).toEqual(['msg_2', 'msg_2']);
  });

  it('is replaced although the sender is closing', async () => {
    await using receiver = await Receiver.start();
    const sender = createSender({
      allowNetworks: LOOPBACK,
      timeoutMs: 5_000,
      userAgent: 'test',
      connectionsPerOrigin: 1,
    });
    const request = { url: receiver.url, payload: '{}', webhook_id: 'msg_1', secrets: [] };
    await sender.send(request);
    receiver.behaviour = byConnection(receiver, { known: delayed(100, reset), fresh: answer(200) });
    const sent = sender.send(request);
    await expect.poll(() => receiver.inFlight).toBe(1);
    await sender.close();
    await expect(sent).resolves.toEqual(answered(200));
  });
});

describe('what is not repeated', () => {
  it('is a request whose fresh connection breaks off', async () => {
    await using receiver = await Receiver.start({ behaviour: reset });
    await expect(startSender()(receiver.url)).resolves.toEqual(NO_RESPONSE);
    expect(receiver.requests).toHaveLength(1);
  });

  it.each([
    ['a byte', 'H'],
    ['100 Continue', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['an informational response', 'HTTP/1.1 102 Processing\r\n\r\n'],
    ['half of a head', 'HTTP/1.1 200 OK\r\ncontent-'],
  ])('is a request that was being answered: %s', async (_what, bytes) => {
    const { end, sent } = await sendTwice(rawAnswer(bytes));
    expect(end).toEqual(NO_RESPONSE);
    expect(sent).toEqual(['msg_2']);
  });

  it('is a request that timed out', async () => {
    const { end, sent } = await sendTwice(neverAnswer, { timeoutMs: 300 });
    expect(end).toEqual(failed('timeout', 'timed out after 300 ms'));
    expect(sent).toEqual(['msg_2']);
  });

  it('is a request that was answered with something that is no HTTP', async () => {
    const { end, sent } = await sendTwice(rawAnswer('gibberish'));
    expect(end).toEqual(failed('invalid_response', /^invalid HTTP response: /));
    expect(sent).toEqual(['msg_2']);
  });
});

describe('receivers that close idle connections while requests come in', () => {
  it('get every one of them', async () => {
    await using receivers = await ImpatientReceivers.start(20);
    const send = startSender({ connectionsPerOrigin: 1 });
    const sendMany = async (port: number) => {
      for (let count = 0; count < 50; count++) {
        const closing = receivers.closing(port);
        expect(await send(`http://127.0.0.1:${port}/`)).toEqual(answered(200));
        await closing;
      }
    };
    await Promise.all(receivers.ports.map(sendMany));
  });
});

describe('an idle connection', () => {
  it('is kept for 30 s, whatever the receiver offers', async () => {
    const offer = { connection: 'keep-alive', 'keep-alive': 'timeout=600' };
    await using receiver = await Receiver.start({ behaviour: answer(200, offer), keepAliveTimeoutMs: 600_000 });
    const send = startSender({ connectionsPerOrigin: 1 });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    await send(receiver.url);
    await nextTurn();
    await vi.advanceTimersByTimeAsync(29_999);
    await send(receiver.url);
    expect(receiver.connections).toBe(1);
    await nextTurn();
    await vi.advanceTimersByTimeAsync(30_000);
    await expect.poll(() => receiver.openConnections).toBe(0);
  });
});

/** Answers the first request of each connection, and resets the connection when the head of the second one has come. */
async function startImpatient(): Promise<string> {
  const used = new Set<Socket>();
  const server = createServer((message, response) => {
    if (used.has(message.socket)) message.socket.resetAndDestroy();
    else message.resume().on('end', () => response.end());
    used.add(message.socket);
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
