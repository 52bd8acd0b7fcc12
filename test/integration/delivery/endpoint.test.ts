import { describe, expect, test } from 'vitest';
import {
  answer,
  type Behaviour,
  delayed,
  endless,
  inTurn,
  neverAnswer,
  rawAnswer,
  redirectTo,
  resetMidResponse,
  trickle,
} from '../../support/behaviours.js';
import { freshUser, sharedTestStack } from '../../support/stack.js';

const stack = sharedTestStack({
  environment: { POSTCALL_RETRY_SCHEDULE: '300ms', POSTCALL_ATTEMPT_TIMEOUT: '3s', POSTCALL_PROBE_INTERVAL: '1h' },
});

const ok = answer(200);

/** Delivers one call to an endpoint that behaves so, and returns what the store and the receiver know of it. */
async function deliverTo(behaviour: Behaviour) {
  const { client, receiver, store, addCalls } = stack();
  receiver.clear();
  receiver.behaviour = behaviour;
  const user_id = freshUser();
  const [call_id] = (await addCalls(1, user_id)) as [string];
  const handle = await client.create({ user_id, call_ids: [call_id], webhook_url: receiver.url });
  const result = await handle.result();
  const webhook = await store.getWebhook(user_id, call_id);
  const attempts = webhook?.metadata.map(({ response_code, error }) => ({ response_code, error })) ?? [];
  const ids = new Set(receiver.requests.map(({ webhookId }) => webhookId));
  return { result, webhook, attempts, requests: receiver.requests, ids };
}

const noError = { error: null };

describe('an endpoint that', () => {
  test('answers 500 twice gets the same webhook-id three times', async () => {
    const { attempts, ids, webhook } = await deliverTo(inTurn(answer(500), answer(500), ok));
    expect(attempts).toEqual([
      { response_code: 500, ...noError },
      { response_code: 500, ...noError },
      { response_code: 200, ...noError },
    ]);
    expect(ids.size).toBe(1);
    expect(webhook?.status).toBe('delivered');
  });

  test('does not answer in time is tried again', async () => {
    const { attempts } = await deliverTo(inTurn(neverAnswer, ok));
    expect(attempts).toEqual([
      { response_code: null, error: expect.stringContaining('timed out') },
      { response_code: 200, ...noError },
    ]);
  });

  test('lets its body trickle past the timeout has answered: the status counts', async () => {
    const { attempts } = await deliverTo(trickle(200));
    expect(attempts).toEqual([{ response_code: 200, ...noError }]);
  });

  test('sends a body without end is cut off, and its status counts', async () => {
    const { attempts } = await deliverTo(endless(200));
    expect(attempts).toEqual([{ response_code: 200, ...noError }]);
  });

  test('redirects is not followed, and the status is recorded', async () => {
    const { attempts, requests } = await deliverTo(inTurn(redirectTo('/elsewhere'), ok));
    expect(attempts.map(({ response_code }) => response_code)).toEqual([301, 200]);
    expect(requests.map(({ path }) => path)).toEqual(['/hook', '/hook']);
  });

  test('breaks off before its status is tried again; after it, the status counts', async () => {
    const { attempts } = await deliverTo(inTurn(rawAnswer('HTTP/1.1'), resetMidResponse(500), resetMidResponse(200)));
    expect(attempts.map(({ response_code }) => response_code)).toEqual([null, 500, 200]);
    expect(attempts[0]?.error).toEqual(expect.any(String));
  });

  test('is gone (410) is not tried again', async () => {
    const { result, attempts, webhook } = await deliverTo(answer(410));
    expect(result).toMatchObject({ failed: 1, errors: [{ error: 'EndpointGone' }] });
    expect(attempts).toEqual([{ response_code: 410, ...noError }]);
    expect(webhook).toMatchObject({ status: 'failed', reason: expect.stringContaining('410'), next_attempt_at: null });
  });

  test('outlasts its round gets one request, recorded once', async () => {
    const { attempts, requests } = await deliverTo(delayed(2_000, ok));
    expect(requests).toHaveLength(1);
    expect(attempts).toEqual([{ response_code: 200, ...noError }]);
  });

  test.each([
    ['seconds', () => '2'],
    ['a date', () => new Date(Date.now() + 3_000).toUTCString()],
  ])('asks by Retry-After in %s is left alone as long', async (_, retryAfter) => {
    let askedUntil = 0;
    const { requests, attempts } = await deliverTo(
      inTurn((request, response) => {
        const value = retryAfter();
        askedUntil = Number(value) ? Date.now() + Number(value) * 1_000 : Date.parse(value);
        answer(503, { 'retry-after': value })(request, response);
      }, ok),
    );
    expect(attempts.map(({ response_code }) => response_code)).toEqual([503, 200]);
    expect(requests[1]?.receivedAt).toBeGreaterThanOrEqual(askedUntil);
  });

  test('is down when the batch starts gets everything once it is up', async () => {
    const { client, receiver, addCalls, store } = stack();
    await receiver.close();
    receiver.clear();
    receiver.behaviour = ok;
    const user_id = freshUser();
    const call_ids = await addCalls(30, user_id);
    const handle = await client.create({ user_id, call_ids, webhook_url: receiver.url });
    await expect.poll(async () => (await handle.progress()).endpoints).toMatchObject([{ state: 'down' }]);
    const { webhooks } = await store.listBatchWebhooks({ user_id, batch_id: handle.batchId, limit: 100 });
    expect(webhooks).toHaveLength(30);
    expect(webhooks.filter(({ status }) => status === 'pending').length).toBeGreaterThan(0);
    expect(webhooks.find(({ status }) => status === 'retrying')).toMatchObject({
      status: 'retrying',
      next_attempt_at: expect.any(String),
      metadata: expect.arrayContaining([expect.objectContaining({ response_code: null, error: 'connection refused' })]),
    });
    await receiver.listen();
    expect(await handle.result()).toMatchObject({ delivered: 30 });
    expect(receiver.requests).toHaveLength(30);
  });
});
