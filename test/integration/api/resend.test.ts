import { describe, expect, test } from 'vitest';
import { sharedApi } from '../../support/api.js';
import { answer } from '../../support/behaviours.js';

const CREATE = '/v1/postcall/webhooks/create';
const RESEND = '/v1/postcall/webhooks/resend';
const api = sharedApi({ environment: { POSTCALL_RETRY_SCHEDULE: '1h' } });

/** A user whose calls have delivered webhooks. */
async function userWithWebhooks(count: number) {
  const { stack, newUser } = api();
  const user = await newUser();
  const calls = await stack.addCalls(count, user.userId);
  const { body } = await user.post(CREATE, { call_ids: calls, webhook_url: stack.receiver.url });
  return { user, calls, created: body.data };
}

describe('POST /v1/postcall/webhooks/resend', () => {
  test('sends the same bytes under the same ID, and appends the attempt', async () => {
    const { user, calls, created } = await userWithWebhooks(1);
    const { status, headers, body } = await user.post(RESEND, { call_ids: calls });
    expect(status).toBe(200);
    expect(body.errors).toBeNull();
    const [webhook] = body.data;
    expect(webhook).toEqual({
      ...created[0],
      batch_id: webhook.batch_id,
      metadata: [...created[0].metadata, expect.objectContaining({ send_type: 'resend', response_code: 200 })],
    });
    expect(headers.get('location')).toBe(`/v1/postcall/batches/${webhook.batch_id}`);
    const [first, second] = api().stack.receiver.requestsOf(calls[0] ?? '');
    expect(second?.webhookId).toBe(first?.webhookId);
    expect(second?.body).toEqual(first?.body);
  });

  test('lists the calls that have no webhook, and sends the others again', async () => {
    const { user, calls } = await userWithWebhooks(1);
    const [unsent = ''] = await api().stack.addCalls(1, user.userId);
    const { status, body } = await user.post(RESEND, { call_ids: [unsent, ...calls] });
    expect(status).toBe(200);
    expect(body.data).toHaveLength(1);
    expect(body.errors).toEqual([
      { error: 'invalid_parameter', message: `call ${unsent} has no webhook to send again`, call_id: unsent },
    ]);
  });

  test('answers 400 while the webhook is still being delivered', async () => {
    const { stack, newUser } = api();
    const user = await newUser();
    const calls = await stack.addCalls(1, user.userId);
    await user.post(CREATE, { call_ids: calls, webhook_url: 'http://127.0.0.1:1/' });
    const { status, body } = await user.post(RESEND, { call_ids: calls });
    expect(status).toBe(400);
    expect(body).toEqual({
      data: null,
      errors: [
        {
          error: 'invalid_parameter',
          message: `the webhook of call ${calls[0]} is still being delivered`,
          call_id: calls[0],
        },
      ],
    });
  });

  test("answers another user's call like one without a webhook", async () => {
    const { calls } = await userWithWebhooks(1);
    const stranger = await api().newUser();
    const { status, body } = await stranger.post(RESEND, { call_ids: calls });
    expect(status).toBe(400);
    expect(body.errors[0].message).toBe(`call ${calls[0]} has no webhook to send again`);
  });

  test('answers 202 when the preferred wait ends first', async () => {
    const { user, calls } = await userWithWebhooks(1);
    const { receiver } = api().stack;
    let release = (): void => undefined;
    receiver.behaviour = (request, response) => {
      release = () => answer(200)(request, response);
    };
    const { status } = await user.post(RESEND, { call_ids: calls }, { prefer: 'wait=1' });
    expect(status).toBe(202);
    release();
    receiver.behaviour = answer(200);
  });

  test('answers 400 for an invalid body', async () => {
    const user = await api().newUser();
    const { status, body } = await user.post(RESEND, { call_ids: 'c-1' });
    expect(status).toBe(400);
    expect(body.errors).toEqual([{ error: 'invalid_parameter', message: 'call_ids must be an array of call IDs' }]);
  });
});
