import { expect, test } from 'vitest';
import type { OpenRequest, SettleRequest } from '../../../store/index.js';
import { attempted, describeStores, mustOpen, openRequest, unique } from '../../support/stores.js';

describeStores('settleWebhook', (harness) => {
  const settling = (request: OpenRequest, overrides: Partial<SettleRequest> = {}): SettleRequest => {
    const { timeout_ms: _, ...rest } = request;
    return { ...rest, status: 'canceled', reason: 'the batch was canceled', ...overrides };
  };
  const webhookOf = (request: OpenRequest) => harness().store.getWebhook(request.user_id, request.call_id);
  const closed = (request: OpenRequest, response_code: number) =>
    attempted(harness().store, request, { response_code });

  test('creates a webhook that was never sent, with its payload', async () => {
    const request = openRequest();
    const settle = settling(request, { status: 'failed', reason: 'the endpoint is gone' });
    const settled = { kind: 'settled', status: 'failed', reason: 'the endpoint is gone' };
    expect(await harness().store.settleWebhook(settle)).toEqual(settled);
    expect(await webhookOf(request)).toMatchObject({
      status: 'failed',
      reason: 'the endpoint is gone',
      payload: { summary: 'Booked' },
      metadata: [],
    });
    expect(await harness().store.settleWebhook(settle)).toEqual(settled);
  });

  test('creates nothing without a payload or an owned call', async () => {
    const request = openRequest();
    const { store } = harness();
    expect(await store.settleWebhook(settling(request, { payload: { from: 'unknown' } }))).toEqual({
      kind: 'needs_payload',
    });
    expect(await store.settleWebhook(settling(request, { payload: { from: 'calls' } }))).toEqual({
      kind: 'call_not_found',
    });
    expect(await store.settleWebhook(settling(request, { send_type: 'resend' }))).toEqual({
      kind: 'webhook_not_found',
    });
    expect(await webhookOf(request)).toBeUndefined();
  });

  test.each([['pending'], ['retrying']])('ends a %s webhook of its batch', async (status) => {
    const request = openRequest();
    if (status === 'retrying') await closed(request, 500);
    else await mustOpen(harness().store, request);
    expect(await harness().store.settleWebhook(settling(request))).toMatchObject({ status: 'canceled' });
    expect(await webhookOf(request)).toMatchObject({
      status: 'canceled',
      reason: 'the batch was canceled',
      next_attempt_at: null,
    });
  });

  test('leaves a delivered webhook alone', async () => {
    const request = openRequest();
    await closed(request, 200);
    expect(await harness().store.settleWebhook(settling(request))).toEqual({
      kind: 'settled',
      status: 'delivered',
      reason: null,
    });
    expect(await webhookOf(request)).toMatchObject({ status: 'delivered', reason: null });
  });

  test('leaves the first ending as it stands', async () => {
    const request = openRequest();
    await harness().store.settleWebhook(settling(request, { status: 'failed', reason: 'first' }));
    expect(await harness().store.settleWebhook(settling(request))).toEqual({
      kind: 'settled',
      status: 'failed',
      reason: 'first',
    });
  });

  test("refuses to touch another batch's and another user's webhook", async () => {
    const request = openRequest();
    await closed(request, 500);
    const { store } = harness();
    const batch_id = unique('batch');
    const user_id = unique('user');
    expect(await store.settleWebhook(settling(request, { batch_id }))).toEqual({ kind: 'webhook_exists' });
    expect(await store.settleWebhook(settling(request, { batch_id, user_id }))).toEqual({ kind: 'webhook_exists' });
    expect(await store.settleWebhook(settling(request, { batch_id, user_id, send_type: 'resend' }))).toEqual({
      kind: 'webhook_not_found',
    });
    expect(await webhookOf(request)).toMatchObject({ status: 'retrying' });
  });

  test('of a resend that has not begun changes nothing', async () => {
    const request = openRequest();
    await closed(request, 200);
    const resend = settling(request, { batch_id: unique('batch'), send_type: 'resend' });
    expect(await harness().store.settleWebhook(resend)).toEqual({
      kind: 'settled',
      status: 'canceled',
      reason: 'the batch was canceled',
    });
    expect(await webhookOf(request)).toMatchObject({ status: 'delivered', batch_id: request.batch_id });
  });

  test('of a batch that a resend has followed tells how that batch ended', async () => {
    const request = openRequest();
    await closed(request, 200);
    const resend = openRequest({ ...request, batch_id: unique('batch'), send_type: 'resend' });
    await closed(resend, 500);
    expect(await harness().store.settleWebhook(settling(request))).toMatchObject({ status: 'delivered' });
    expect(await webhookOf(request)).toMatchObject({ status: 'retrying', batch_id: resend.batch_id });
  });
});
