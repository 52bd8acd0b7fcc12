import { describe, expect, test } from 'vitest';
import { INTERRUPTED } from '../../../contract/index.js';
import type { OpenRequest } from '../../../store/index.js';
import { closeRequest, describeStores, mustOpen, openRequest, unique } from '../../support/stores.js';

/** Every byte counts: order of keys, white space, escapes, characters beyond the BMP, numbers that JavaScript would rewrite. */
const AWKWARD_JSON =
  '{"z": 1.0, "a":"\\u0000 \\ud83d\\ude00 \\ud800 é 😀",  "n":12345678901234567890, "z":"again",\n"e":{}}';

describeStores('openAttempt', (harness) => {
  const expire = (seq: string) =>
    harness().query(`update attempts set deadline = now() - interval '1 second' where seq = $1`, [seq]);
  const close = (request: OpenRequest, seq: string, response_code: number) =>
    harness().store.closeAttempt(closeRequest(request, seq, { response_code }));
  const settle = (request: OpenRequest, status: 'failed' | 'canceled') =>
    harness().store.settleWebhook({ ...request, status, reason: `it is ${status}` });
  /** The call's webhook, delivered by a first batch. */
  async function delivered(overrides: Partial<OpenRequest> = {}) {
    const request = openRequest(overrides);
    const attempt = await mustOpen(harness().store, request);
    await close(request, attempt.seq, 200);
    return { request, attempt };
  }

  describe('a first attempt of a create', () => {
    test('creates the webhook and returns what is to be sent', async () => {
      const request = openRequest();
      const attempt = await mustOpen(harness().store, request);
      expect(attempt).toEqual({
        kind: 'opened',
        seq: expect.stringMatching(/^\d+$/),
        webhook_id: expect.stringMatching(/^msg_[\w-]{24}$/),
        url: request.webhook_url,
        payload: '{"summary":"Booked"}',
        sent_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        step: 0,
        first_sent_at: attempt.sent_at,
        secrets: [],
      });
      expect(await harness().store.getWebhook(request.user_id, request.call_id)).toMatchObject({
        status: 'pending',
        metadata: [],
        batch_id: request.batch_id,
        payload: { summary: 'Booked' },
      });
    });

    test('keeps the bytes of the payload exactly', async () => {
      const request = openRequest({ payload: { from: 'text', json: AWKWARD_JSON } });
      expect((await mustOpen(harness().store, request)).payload).toBe(AWKWARD_JSON);
      const resend = openRequest({ ...request, batch_id: unique('batch'), send_type: 'resend' });
      await settle(request, 'failed');
      expect(await harness().store.openAttempt(resend)).toEqual({ kind: 'webhook_in_progress' });
      const { request: first } = await delivered({ payload: { from: 'text', json: AWKWARD_JSON } });
      const again = await mustOpen(harness().store, { ...first, batch_id: unique('batch'), send_type: 'resend' });
      expect(again.payload).toBe(AWKWARD_JSON);
    });

    test('takes the payload from the calls table, once', async () => {
      const request = openRequest({ payload: { from: 'calls' } });
      const call = { call_id: request.call_id, user_id: request.user_id };
      await harness().store.upsertCalls([{ ...call, data: { z: 1, a: 'é\u0000😀' } }]);
      const first = await mustOpen(harness().store, request);
      expect(first.payload).toBe('{"z":1,"a":"é\\u0000😀"}');
      await harness().store.upsertCalls([{ ...call, data: { other: true } }]);
      await close(request, first.seq, 500);
      expect((await mustOpen(harness().store, request)).payload).toBe(first.payload);
    });

    test.each([
      ['is unknown', undefined],
      ["is another user's", 'somebody else'],
    ])('is refused when the call %s to the calls table', async (_, owner) => {
      const request = openRequest({ payload: { from: 'calls' } });
      if (owner) await harness().store.upsertCalls([{ call_id: request.call_id, user_id: owner, data: {} }]);
      expect(await harness().store.openAttempt(request)).toEqual({ kind: 'call_not_found' });
      expect(await harness().store.getWebhook(request.user_id, request.call_id)).toBeUndefined();
    });

    test('asks for a payload that is not known yet', async () => {
      const request = openRequest();
      expect(await harness().store.openAttempt({ ...request, payload: { from: 'unknown' } })).toEqual({
        kind: 'needs_payload',
      });
      await mustOpen(harness().store, request);
    });

    test("returns the user's active secrets, newest first", async () => {
      const request = openRequest();
      const { store } = harness();
      const [oldest, revoked, newest] = [
        await store.createSigningSecret(request.user_id),
        await store.createSigningSecret(request.user_id),
        await store.createSigningSecret(request.user_id),
      ];
      await store.createSigningSecret(unique('user'));
      await store.revokeSigningSecret(revoked.id);
      expect((await mustOpen(store, request)).secrets).toEqual([newest.secret, oldest.secret]);
    });
  });

  describe('a later attempt of the same batch', () => {
    test('goes out under the same webhook ID, a step further', async () => {
      const request = openRequest();
      const first = await mustOpen(harness().store, request);
      await close(request, first.seq, 500);
      const second = await mustOpen(harness().store, { ...request, payload: { from: 'unknown' } });
      expect(second).toMatchObject({ webhook_id: first.webhook_id, step: 1, first_sent_at: first.sent_at });
      expect(second.seq).not.toBe(first.seq);
    });

    test('does not count interrupted ones as steps', async () => {
      const request = openRequest();
      const first = await mustOpen(harness().store, request);
      await expire(first.seq);
      await harness().store.interruptAttempt(first.seq);
      expect(await mustOpen(harness().store, request)).toMatchObject({ step: 0, first_sent_at: first.sent_at });
    });

    test('waits for an open one', async () => {
      const request = openRequest({ timeout_ms: 10_000 });
      const first = await mustOpen(harness().store, request);
      const second = await harness().store.openAttempt(request);
      expect(second).toEqual({ kind: 'open_elsewhere', seq: first.seq, remaining_ms: expect.any(Number) });
      const { remaining_ms } = second as { remaining_ms: number };
      expect(remaining_ms).toBeGreaterThan(0);
      expect(remaining_ms).toBeLessThanOrEqual(12_000);
      await expire(first.seq);
      const late = await harness().store.openAttempt(request);
      expect((late as { remaining_ms: number }).remaining_ms).toBeLessThanOrEqual(0);
    });

    test('is not made when the webhook is delivered', async () => {
      const { request, attempt } = await delivered();
      expect(await harness().store.openAttempt(request)).toEqual({
        kind: 'delivered',
        attempt: {
          sent_at: attempt.sent_at,
          response_code: 200,
          response_time: '7ms',
          send_type: 'create',
          error: null,
        },
      });
    });

    test.each(['failed', 'canceled'] as const)('is not made when the webhook is %s', async (status) => {
      const request = openRequest();
      await close(request, (await mustOpen(harness().store, request)).seq, 500);
      await settle(request, status);
      expect(await harness().store.openAttempt(request)).toEqual({
        kind: 'settled',
        status,
        reason: `it is ${status}`,
      });
    });
  });

  describe('a create for a call that has a webhook', () => {
    test.each([{ from: 'text', json: '{}' }, { from: 'unknown' }, { from: 'calls' }] as const)(
      'is refused to the same user in another batch (payload from $from)',
      async (payload) => {
        const { request } = await delivered();
        const other = { ...request, batch_id: unique('batch'), payload };
        expect(await harness().store.openAttempt(other)).toEqual({ kind: 'webhook_exists' });
      },
    );

    test('tells another user no more than whose call it is', async () => {
      const { request } = await delivered();
      const stranger = { ...request, batch_id: unique('batch'), user_id: unique('user') };
      const answers = (['unknown', 'calls'] as const).map((from) =>
        harness().store.openAttempt({ ...stranger, payload: { from } }),
      );
      expect(await Promise.all(answers)).toEqual([{ kind: 'needs_payload' }, { kind: 'call_not_found' }]);
      expect(await harness().store.openAttempt(stranger)).toEqual({ kind: 'webhook_exists' });
    });
  });

  describe('a resend', () => {
    const resendOf = (request: OpenRequest, overrides: Partial<OpenRequest> = {}): OpenRequest => {
      const { webhook_url: _, ...rest } = request;
      return { ...rest, batch_id: unique('batch'), send_type: 'resend', payload: { from: 'unknown' }, ...overrides };
    };

    test('is refused for a call without a webhook, and for another user', async () => {
      const { request } = await delivered();
      const { store } = harness();
      expect(await store.openAttempt(resendOf(openRequest()))).toEqual({ kind: 'webhook_not_found' });
      expect(await store.openAttempt(resendOf(request, { user_id: unique('user') }))).toEqual({
        kind: 'webhook_not_found',
      });
    });

    test.each(['pending', 'retrying'])('is refused while the webhook is %s', async (status) => {
      const request = openRequest();
      const { seq } = await mustOpen(harness().store, request);
      if (status === 'retrying') await close(request, seq, 500);
      expect(await harness().store.openAttempt(resendOf(request))).toEqual({ kind: 'webhook_in_progress' });
    });

    test.each(['delivered', 'failed', 'canceled'] as const)('takes a %s webhook over', async (status) => {
      const request = openRequest();
      const { store } = harness();
      const first = await mustOpen(store, request);
      await close(request, first.seq, status === 'delivered' ? 200 : 500);
      if (status !== 'delivered') await settle(request, status);
      const resend = resendOf(request);
      const attempt = await mustOpen(store, resend);
      expect(attempt).toMatchObject({
        webhook_id: first.webhook_id,
        url: request.webhook_url,
        payload: first.payload,
        step: 0,
        first_sent_at: attempt.sent_at,
      });
      expect(await store.getWebhook(request.user_id, request.call_id)).toMatchObject({
        status: 'pending',
        reason: null,
        next_attempt_at: null,
        batch_id: resend.batch_id,
        metadata: [{ send_type: 'create' }],
      });
      expect(await store.openAttempt(resend)).toMatchObject({ kind: 'open_elsewhere', seq: attempt.seq });
    });

    test('repeats of an earlier batch find out how they ended, and send nothing', async () => {
      const { request, attempt } = await delivered();
      const failed = resendOf(request);
      await close(failed, (await mustOpen(harness().store, failed)).seq, 500);
      await settle(failed, 'failed');
      await mustOpen(harness().store, resendOf(request));
      expect(await harness().store.openAttempt(request)).toMatchObject({
        kind: 'delivered',
        attempt: { sent_at: attempt.sent_at },
      });
      expect(await harness().store.openAttempt(failed)).toMatchObject({
        kind: 'settled',
        status: 'failed',
        reason: 'a later resend took the webhook over',
      });
    });

    test('waits for the last attempt of a canceled batch, until that is past its deadline', async () => {
      const request = openRequest();
      const { store } = harness();
      const { seq } = await mustOpen(store, request);
      await settle(request, 'canceled');
      const resend = resendOf(request);
      expect(await store.openAttempt(resend)).toEqual({ kind: 'webhook_in_progress' });
      await expire(seq);
      await mustOpen(store, resend);
      expect(await store.readAttempt(seq)).toMatchObject({ kind: 'closed', attempt: { error: INTERRUPTED } });
    });
  });
});
