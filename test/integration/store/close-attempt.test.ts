import { describe, expect, test } from 'vitest';
import { INTERRUPTED, type WebhookStatus } from '../../../contract/index.js';
import type { NextStep, OpenRequest } from '../../../store/index.js';
import {
  closeRequest,
  DELIVERED,
  describeStores,
  mustOpen,
  openRequest,
  RETRYING,
  unique,
} from '../../support/stores.js';

const FAILED: NextStep = { status: 'failed', reason: 'the endpoint is gone' };

describeStores('closeAttempt', (harness) => {
  async function opened(overrides: Partial<OpenRequest> = {}) {
    const request = openRequest(overrides);
    return { request, attempt: await mustOpen(harness().store, request) };
  }
  const webhookOf = (request: OpenRequest) => harness().store.getWebhook(request.user_id, request.call_id);
  async function interrupt(seq: string) {
    await harness().query(`update attempts set deadline = now() - interval '1 second' where seq = $1`, [seq]);
    await harness().store.interruptAttempt(seq);
  }

  test('records the response, and the webhook as delivered', async () => {
    const { request, attempt } = await opened();
    const recorded = {
      sent_at: attempt.sent_at,
      response_code: 204,
      response_time: '7ms',
      send_type: 'create',
      error: null,
    };
    expect(await harness().store.closeAttempt(closeRequest(request, attempt.seq, { response_code: 204 }))).toEqual({
      attempt: recorded,
      status: 'delivered',
    });
    expect(await webhookOf(request)).toMatchObject({
      status: 'delivered',
      metadata: [recorded],
      next_attempt_at: null,
    });
  });

  test('plans the next attempt by the delay', async () => {
    const { request, attempt } = await opened();
    const before = Date.now();
    const result = await harness().store.closeAttempt(
      closeRequest(request, attempt.seq, { response_code: null, error: 'connection refused' }),
    );
    expect(result).toMatchObject({
      status: 'retrying',
      attempt: { response_code: null, error: 'connection refused' },
    });
    const due = Date.parse((await webhookOf(request))?.next_attempt_at ?? '');
    expect(due).toBeGreaterThanOrEqual(before + 60_000 - 10);
    expect(due).toBeLessThanOrEqual(Date.now() + 60_000 + 10);
    const state = await harness().store.readAttempt(attempt.seq);
    expect(state).toMatchObject({ kind: 'closed', status: 'retrying', reason: null });
    expect((state as { next_attempt_in_ms: number }).next_attempt_in_ms).toBeGreaterThan(50_000);
  });

  test('ends the webhook with a reason', async () => {
    const { request, attempt } = await opened();
    await harness().store.closeAttempt(closeRequest(request, attempt.seq, { response_code: 410, next: FAILED }));
    expect(await webhookOf(request)).toMatchObject({ status: 'failed', reason: FAILED.reason, next_attempt_at: null });
    expect(await harness().store.readAttempt(attempt.seq)).toMatchObject({
      kind: 'closed',
      status: 'failed',
      reason: FAILED.reason,
      next_attempt_in_ms: 0,
    });
  });

  test('is safe to repeat: what is recorded stands', async () => {
    const { request, attempt } = await opened();
    const first = await harness().store.closeAttempt(closeRequest(request, attempt.seq, { response_code: 500 }));
    expect(await harness().store.closeAttempt(closeRequest(request, attempt.seq))).toEqual(first);
    expect(await webhookOf(request)).toMatchObject({ status: 'retrying', metadata: [{ response_code: 500 }] });
  });

  test('stores an error text that has characters which PostgreSQL does not know', async () => {
    const { request, attempt } = await opened();
    const error = 'odd \0 bytes \ud800';
    const result = await harness().store.closeAttempt(
      closeRequest(request, attempt.seq, { response_code: null, error, next: { status: 'failed', reason: error } }),
    );
    expect(result.attempt.error).toBe('odd \ufffd bytes \ufffd');
  });

  test('of an attempt that does not exist is an error', async () => {
    const { request, attempt } = await opened();
    const other = closeRequest(request, attempt.seq, { call_id: unique('call') });
    await expect(harness().store.closeAttempt(other)).rejects.toThrow('there is no attempt');
    await expect(harness().store.readAttempt('999999999999')).rejects.toThrow('there is no attempt');
  });

  describe('a late end', () => {
    test('amends an attempt that was recorded as interrupted', async () => {
      const { request, attempt } = await opened();
      await interrupt(attempt.seq);
      expect(await webhookOf(request)).toMatchObject({
        metadata: [{ response_code: null, error: INTERRUPTED }],
      });
      expect(await harness().store.closeAttempt(closeRequest(request, attempt.seq))).toMatchObject({
        status: 'delivered',
        attempt: { response_code: 200, error: null },
      });
      expect((await webhookOf(request))?.metadata).toHaveLength(1);
    });

    test('that failed leaves the webhook to its newer attempt', async () => {
      const { request, attempt } = await opened();
      await interrupt(attempt.seq);
      const newer = await mustOpen(harness().store, request);
      const late = closeRequest(request, attempt.seq, { response_code: 410, next: FAILED });
      expect(await harness().store.closeAttempt(late)).toMatchObject({
        status: 'pending',
        attempt: { response_code: 410 },
      });
      expect(await harness().store.closeAttempt(closeRequest(request, newer.seq))).toMatchObject({
        status: 'delivered',
      });
    });

    test('that succeeded delivers the webhook although a newer attempt is open, whose failure changes nothing', async () => {
      const { request, attempt } = await opened();
      await interrupt(attempt.seq);
      const newer = await mustOpen(harness().store, request);
      expect(await harness().store.closeAttempt(closeRequest(request, attempt.seq))).toMatchObject({
        status: 'delivered',
      });
      const failure = closeRequest(request, newer.seq, { response_code: 500 });
      expect(await harness().store.closeAttempt(failure)).toMatchObject({
        status: 'delivered',
        attempt: { response_code: 500 },
      });
      expect(await webhookOf(request)).toMatchObject({ status: 'delivered', next_attempt_at: null });
    });

    test.each<[string, NextStep, number, WebhookStatus]>([
      ['2xx delivers', DELIVERED, 200, 'delivered'],
      ['failure leaves', RETRYING, 500, 'canceled'],
      ['final failure leaves', FAILED, 410, 'canceled'],
    ])('of a canceled webhook: a %s it', async (_, next, response_code, status) => {
      const { request, attempt } = await opened();
      await harness().store.settleWebhook({ ...request, status: 'canceled', reason: 'canceled' });
      const result = await harness().store.closeAttempt(closeRequest(request, attempt.seq, { response_code, next }));
      expect(result).toMatchObject({ status, attempt: { response_code } });
      expect(await webhookOf(request)).toMatchObject({ status, metadata: [{ response_code }] });
    });

    test('of a batch that lost the webhook to a resend records the attempt alone', async () => {
      const { request, attempt } = await opened();
      await harness().store.settleWebhook({ ...request, status: 'canceled', reason: 'canceled' });
      await interrupt(attempt.seq);
      const resend = openRequest({ ...request, batch_id: unique('batch'), send_type: 'resend' });
      await mustOpen(harness().store, resend);
      expect(await harness().store.closeAttempt(closeRequest(request, attempt.seq))).toMatchObject({
        status: 'pending',
      });
      expect(await webhookOf(request)).toMatchObject({ status: 'pending', metadata: [{ response_code: 200 }] });
    });
  });

  test('interrupting leaves alone what may still end, and what has ended', async () => {
    const { request, attempt } = await opened();
    await harness().store.interruptAttempt(attempt.seq);
    expect(await harness().store.readAttempt(attempt.seq)).toMatchObject({ kind: 'open' });
    await harness().store.closeAttempt(closeRequest(request, attempt.seq, { response_code: 500 }));
    await interrupt(attempt.seq);
    expect(await webhookOf(request)).toMatchObject({ metadata: [{ response_code: 500, error: null }] });
  });

  test('an interrupted attempt has taken its whole time', async () => {
    const { attempt } = await opened();
    await harness().query(
      `update attempts set sent_at = now() - interval '17 seconds', deadline = now() where seq = $1`,
      [attempt.seq],
    );
    await harness().store.interruptAttempt(attempt.seq);
    expect(await harness().store.readAttempt(attempt.seq)).toMatchObject({ attempt: { response_time: '17000ms' } });
  });
});
