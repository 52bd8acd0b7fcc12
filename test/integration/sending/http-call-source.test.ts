import { describe, expect, it, onTestFinished } from 'vitest';
import { CallSourceError } from '../../../activities/call-sources/call-source.js';
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

async function ask(behaviour: Behaviour, options: { apiKey?: string; timeoutMs?: number } = {}, callId = 'c-1') {
  await using calls = await Receiver.start({ behaviour });
  const source = createHttpCallSource({ url: calls.urlFor('127.0.0.1', '/v1/calls'), ...options });
  onTestFinished(() => source.close());
  return await source.getCall(callId);
}

describe('a call', () => {
  it('comes as the source returned it, with its owner', async () => {
    await expect(ask(json(CALL))).resolves.toEqual({ call_id: 'c-1', user_id: 'user-1', data: CALL });
  });

  it.each([undefined, null, 7])('has no owner when its user_id is %s', async (user_id) => {
    const call = await ask(json({ call_id: 'c-1', user_id }));
    expect(call).not.toHaveProperty('user_id');
  });

  it('is not found when the source answers 404', async () => {
    await expect(ask(answer(404, {}, '{"errors":[]}'))).resolves.toBeUndefined();
  });

  it('is asked for by its ID, with the key', async () => {
    await using calls = await Receiver.start({ behaviour: json(CALL) });
    const source = createHttpCallSource({ url: calls.urlFor('127.0.0.1', '/v1/calls'), apiKey: 'sk-1' });
    onTestFinished(() => source.close());
    await source.getCall('c-1');
    const [request] = calls.requests;
    expect([request?.method, request?.path, request?.headers.authorization]).toEqual(['GET', '/v1/calls/c-1', 'sk-1']);
  });

  it('is asked for without a key where there is none', async () => {
    await using calls = await Receiver.start({ behaviour: json(CALL) });
    const source = createHttpCallSource({ url: calls.url });
    onTestFinished(() => source.close());
    await source.getCall('c-1');
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
    await source.getCall(callId);
    expect(calls.requests.map((request) => request.path)).toEqual([asked]);
  });

  it.each(['.', '..'])('cannot have the ID %j, which no URL can hold', async (callId) => {
    await using calls = await Receiver.start({ behaviour: json(CALL) });
    const source = createHttpCallSource({ url: calls.url });
    onTestFinished(() => source.close());
    await expect(source.getCall(callId)).resolves.toBeUndefined();
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

  it.each([400, 429, 500, 502, 503])('says its status and nothing of its body: %i', async (status) => {
    const error = await failure(answer(status, {}, 'secret'));
    expect(error.message).toBe(`the call source answered ${status}`);
    expect(error.retry_after_ms).toBeUndefined();
  });

  it.each([429, 503])('says when to ask again: %i', async (status) => {
    const { retry_after_ms } = await failure(answer(status, { 'retry-after': '7' }));
    expect(retry_after_ms).toBe(7_000);
  });

  it('is not followed when it redirects', async () => {
    const { message } = await failure(redirectTo('http://127.0.0.1:1/'));
    expect(message).toBe('the call source answered 301');
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

  it.each(['', '<html>secret</html>', '{"a":', 'undefined'])('with JSON is not quoted: %j', async (body) => {
    const { message, cause } = await failure(answer(200, {}, body));
    expect(message).toBe('the call source answered with something that is not JSON');
    expect(cause).toBeUndefined();
  });

  it.each([null, 1, 'text', true, [CALL]])('with an object is refused: %j', async (value) => {
    const { message } = await failure(json(value));
    expect(message).toBe('the call source answered with JSON that is not an object');
  });

  it('within 10 MiB is refused', async () => {
    const { message } = await failure(json({ call_id: 'c-1', transcript: '.'.repeat(11 * 1024 * 1024) }));
    expect(message).toBe('the call source answered with more than 10485760 bytes');
  });

  it('because nobody listens says so', async () => {
    await using calls = await Receiver.start();
    const source = createHttpCallSource({ url: calls.url });
    onTestFinished(() => source.close());
    await calls.close();
    await expect(source.getCall('c-1')).rejects.toThrow('the call source cannot be reached: ECONNREFUSED');
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
