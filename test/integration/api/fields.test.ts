import { expect, test } from 'vitest';
import type { z } from 'zod';
import type { createBodySchema, Webhook } from '../../../contract/index.js';
import { sharedApi } from '../../support/api.js';
import { answer, inTurn } from '../../support/behaviours.js';
import type { ReceivedRequest } from '../../support/receiver.js';

/** Every field, the optional ones as well. */
type Body = Required<z.infer<typeof createBodySchema>>;

/** What a request to the endpoint says of each field of the create. */
const sent = ({ callId = '', headers, path }: ReceivedRequest): Body => ({
  call_ids: [callId],
  webhook_url: `http://${headers.host}${path}`,
});

/** What the webhook that people see says of it. */
const shown = ({ call_id, url }: Webhook): Body => ({ call_ids: [call_id], webhook_url: url });

const api = sharedApi({ environment: { POSTCALL_RETRY_SCHEDULE: '100ms' } });

test('every field of a create is in its attempts, in those of a resend, and in the webhook', async () => {
  const { stack, newUser } = api();
  const user = await newUser();
  const [call_id = ''] = await stack.addCalls(1, user.userId);
  const body: Body = { call_ids: [call_id], webhook_url: stack.receiver.urlFor('127.0.0.1', '/hook?a=1') };
  stack.receiver.behaviour = inTurn(answer(503), answer(200));
  await user.post('/v1/postcall/webhooks/create', body);
  const resend = () => user.post('/v1/postcall/webhooks/resend', { call_ids: [call_id] });
  await expect.poll(async () => (await resend()).status).toBe(200);

  expect(stack.receiver.requestsOf(call_id).map(sent)).toEqual([body, body, body]);
  expect(shown((await user.get(`/v1/postcall/webhooks/${call_id}`)).body.data)).toEqual(body);
});
