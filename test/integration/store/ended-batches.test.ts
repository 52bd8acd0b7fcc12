import { expect, test } from 'vitest';
import { attempted, closeRequest, describeStores, mustOpen, openRequest, unique } from '../../support/stores.js';

describeStores('a batch that has ended without settling its webhooks', (harness) => {
  const reason = 'its batch was terminated';
  const webhookOf = ({ user_id, call_id }: { user_id: string; call_id: string }) =>
    harness().store.getWebhook(user_id, call_id);

  /** A webhook of the batch whose endpoint gave this answer. */
  async function answered(batch_id: string, response_code: number) {
    const request = openRequest({ batch_id });
    await attempted(harness().store, request, { response_code });
    return request;
  }

  test('has them failed, and no other batch’s', async () => {
    const batch_id = unique('batch');
    const waiting = await answered(batch_id, 500);
    const delivered = await answered(batch_id, 200);
    const other = await answered(unique('batch'), 500);
    const { store } = harness();
    expect(await store.findUnsettled([unique('batch'), batch_id])).toEqual([batch_id]);
    expect(await store.failUnsettled({ batch_id, reason })).toBe(1);
    expect(await webhookOf(waiting)).toMatchObject({ status: 'failed', reason, next_attempt_at: null });
    expect(await webhookOf(delivered)).toMatchObject({ status: 'delivered', reason: null });
    expect(await webhookOf(other)).toMatchObject({ status: 'retrying' });
    expect(await store.findUnsettled([batch_id])).toEqual([]);
    expect(await store.failUnsettled({ batch_id, reason })).toBe(0);
  });

  test('keeps those with an attempt in flight until it ends', async () => {
    const request = openRequest();
    const { batch_id } = request;
    const { store } = harness();
    const { seq } = await mustOpen(store, request);
    expect(await store.failUnsettled({ batch_id, reason })).toBe(0);
    expect(await store.findUnsettled([batch_id])).toEqual([batch_id]);
    await store.closeAttempt(closeRequest(request, seq, { response_code: 500 }));
    expect(await store.failUnsettled({ batch_id, reason })).toBe(1);
    expect(await webhookOf(request)).toMatchObject({ status: 'failed', metadata: [{ response_code: 500 }] });
  });

  test('has attempts that nobody closed recorded as interrupted', async () => {
    const request = openRequest();
    await mustOpen(harness().store, request);
    await harness().query(`update attempts set deadline = sent_at where call_id = $1`, [request.call_id]);
    expect(await harness().store.failUnsettled({ batch_id: request.batch_id, reason })).toBe(1);
    expect(await webhookOf(request)).toMatchObject({ status: 'failed', metadata: [{ error: 'interrupted' }] });
  });

  test('is out of the way of a resend', async () => {
    const request = await answered(unique('batch'), 500);
    const resend = { ...request, batch_id: unique('batch'), send_type: 'resend' } as const;
    const { store } = harness();
    expect(await store.openAttempt(resend)).toEqual({ kind: 'webhook_in_progress' });
    await store.failUnsettled({ batch_id: request.batch_id, reason });
    await mustOpen(store, resend);
    expect(await store.findUnsettled([request.batch_id, resend.batch_id])).toEqual([resend.batch_id]);
  });
});
