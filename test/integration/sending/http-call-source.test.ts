import { getEventListeners } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CallSourceError, CallUnusableError } from '../../../activities/call-sources/call-source.js';
import { createHttpCallSource } from '../../../activities/call-sources/http.js';
import {
  answer,
  type Behaviour,
  delayed,
  neverAnswer,
  rawAnswer,
  redirectTo,
  trickle,
} from '../../support/behaviours.js';
import { Receiver } from '../../support/receiver.js';

const CALL = {
  call_id: 'c-1',
  user_id: 'user-1',
  to: '+15550100',
  from: '+15550101',
  call_length: 1.5,
  transcripts: [{ id: 1, user: 'assistant', text: 'Grüß Gott' }],
  variables: { '__proto__ ': null },
};

const json = (value: unknown): Behaviour => answer(200, { 'content-type': 'application/json' }, JSON.stringify(value));

const asking = () => ({ signal: new AbortController().signal });

async function ask(behaviour: Behaviour, options: { apiKey?: string; timeoutMs?: number } = {}, callId = 'c-1') {
  await using calls = await Receiver.start({ behaviour });
  const source = createHttpCallSource({ url: calls.urlFor('127.0.0.1', '/v1/calls'), ...options });
  onTestFinished(() => source.close());
  return await source.getCall(callId, asking());
}

describe('a call', () => {
  it('comes as the very text that the source returned', async () => {
    const text = ` ${JSON.stringify(CALL, null, 1)}\n`;
    await expect(ask(answer(200, {}, text))).resolves.toEqual({ call_id: 'c-1', data: text });
  });

  it('comes without a byte order mark', async () => {
    await expect(ask(answer(200, {}, '\ufeff{}'))).resolves.toEqual({ call_id: 'c-1', data: '{}' });
  });

  it('is not found when the source answers 404', async () => {
    await expect(ask(answer(404, {}, '{"errors":[]}'))).resolves.toBeUndefined();
  });

  it('is asked for by its ID, with the key', async () => {
    await using calls = await Receiver.start({ behaviour: json(CALL) });
    const source = createHttpCallSource({ url: calls.urlFor('127.0.0.1', '/v1/calls'), apiKey: 'sk-1' });
    onTestFinished(() => source.close());
    await source.getCall('c-1', asking());
    const [request] = calls.requests;
    expect([request?.method, request?.path, request?.headers.authorization]).toEqual(['GET', '/v1/calls/c-1', 'sk-1']);
  });

  it('is asked for without a key where there is none', async () => {
    await using calls = await Receiver.start({ behaviour: json(CALL) });
    const source = createHttpCallSource({ url: calls.url });
    onTestFinished(() => source.close());
    await source.getCall('c-1', asking());
    expect(calls.requests[0]?.headers).not.toHaveProperty('authorization');
  });

  it.each([
    ['/v1/calls', 'a/b?c=d#e %2F', '/v1/calls/a%2Fb%3Fc%3Dd%23e%20%252F'],
    ['/v1/calls/', 'ü', '/v1/calls/%C3%BC'],
    ['/v1/calls?region=eu', 'c-1', '/v1/calls/c-1?region=eu'],
    ['/', 'c-1', '/c-1'],
    ['', '...', '/...'],
  ])('is asked for below %s without leaving it: %s', async (path, callId, asked) => {
    await using calls = await Receiver.start({ behaviour: json(CALL) });
    const source = createHttpCallSource({ url: calls.urlFor('127.0.0.1', path) });
    onTestFinished(() => source.close());
    await source.getCall(callId, asking());
    expect(calls.requests.map((request) => request.path)).toEqual([asked]);
  });

  it.each(['.', '..'])('cannot have the ID %j, which no URL can hold', async (callId) => {
    await using calls = await Receiver.start({ behaviour: json(CALL) });
    const source = createHttpCallSource({ url: calls.url });
    onTestFinished(() => source.close());
    await expect(source.getCall(callId, asking())).resolves.toBeUndefined();
    expect(calls.requests).toHaveLength(0);
  });
});

describe('a source that cannot answer', () => {
  const failure = async (behaviour: Behaviour, options = {}): Promise<CallSourceError> => {
    const error = await ask(behaviour, options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CallSourceError);
    return error as CallSourceError;
  };

  it.each([401, 403])('because of the key names CALLS_API_KEY: %i', async (status) => {
    const { message } = await failure(answer(status, {}, 'secret'), { apiKey: 'wrong' });
    expect(message).toBe(`the call source answered ${status}: check CALLS_API_KEY`);
  });

  it.each([408, 425, 429, 500, 502, 503, 599])('says its status and nothing of its body: %i', async (status) => {
    const error = await failure(answer(status, {}, 'secret'));
    expect(error.message).toBe(`the call source answered ${status}`);
    expect(error.retry_after_ms).toBeUndefined();
  });

  it.each([429, 503])('says when to ask again: %i', async (status) => {
    const { retry_after_ms } = await failure(answer(status, { 'retry-after': '7' }));
    expect(retry_after_ms).toBe(7_000);
  });

  it.each([
    ['silent', neverAnswer],
    ['slow', delayed(5_000, json(CALL))],
    ['trickling', trickle(20)],
    ['trickling an error', trickle(20, 500)],
  ])('in time is given up: %s', async (_what, behaviour) => {
    const { message } = await failure(behaviour, { timeoutMs: 300 });
    expect(message).toBe('the call source did not answer within 300 ms');
  });

  it('because nobody listens says so', async () => {
    await using calls = await Receiver.start();
    const source = createHttpCallSource({ url: calls.url });
    onTestFinished(() => source.close());
    await calls.close();
    await expect(source.getCall('c-1', asking())).rejects.toThrow('the call source cannot be reached: ECONNREFUSED');
  });

  it('because it speaks no HTTP says so', async () => {
    const { message } = await failure(rawAnswer('SSH-2.0\r\n'));
    expect(message).toBe('the call source cannot be reached: HTTPParserError');
  });

  it('before the caller lost patience stops asking', async () => {
    await using calls = await Receiver.start({ behaviour: neverAnswer });
    const source = createHttpCallSource({ url: calls.url });
    onTestFinished(() => source.close());
    const controller = new AbortController();
    const call = source.getCall('c-1', { signal: controller.signal });
    await expect.poll(() => calls.inFlight).toBe(1);
    controller.abort();
    await expect(call).rejects.toThrow('the request to the call source was canceled');
    await expect.poll(() => calls.inFlight).toBe(0);
  });
});

describe('an answer that is final for its call', () => {
  const refusal = async (behaviour: Behaviour): Promise<string> => {
    const error = await ask(behaviour).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CallUnusableError);
    return (error as CallUnusableError).message;
  };

  it.each([201, 204, 400, 402, 405, 409, 410, 422, 451])(
    'is any other status, and quotes nothing: %i',
    async (status) => {
      expect(await refusal(answer(status, { 'retry-after': '7' }, status === 204 ? '' : 'secret'))).toBe(
        `the call source answered ${status}`,
      );
    },
  );

  it('is a redirect, which is not followed', async () => {
    await using elsewhere = await Receiver.start();
    expect(await refusal(redirectTo(elsewhere.url))).toBe('the call source answered 301');
    expect(elsewhere.requests).toHaveLength(0);
  });

  it('is one of more than 10 MiB', async () => {
    const huge = answer(200, {}, '.'.repeat(11 * 1024 * 1024));
    expect(await refusal(huge)).toBe('the call has more than 10485760 bytes');
  });

  it.each([
    ['a byte that begins nothing', [0x7b, 0xff, 0x7d]],
    ['an overlong form', [0x22, 0xc0, 0x80, 0x22]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a character that is cut off', [0x7b, 0xe2, 0x82]],
  ])('is one that is not UTF-8: %s', async (_, bytes) => {
    const raw: Behaviour = (_request, response) => response.writeHead(200).end(Buffer.from(bytes));
    expect(await refusal(raw)).toBe('the call is not UTF-8');
  });
});

it('a signal that outlives many requests keeps nothing of them', async () => {
  await using calls = await Receiver.start({ behaviour: json(CALL) });
  const source = createHttpCallSource({ url: calls.url });
  onTestFinished(() => source.close());
  const { signal } = new AbortController();
  for (let request = 0; request < 5; request += 1) await source.getCall('c-1', { signal });
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
