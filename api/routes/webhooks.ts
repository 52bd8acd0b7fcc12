import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callIdSchema, createBodySchema, resendBodySchema, webhookSchema } from '../../contract/index.js';
import { BATCH_HEADERS, batchRequestHeaders, sendBatch, senderOf } from '../answers/accepted-batch.js';
import { sendWebhook } from '../answers/webhooks.js';
import type { Dependencies } from '../dependencies.js';
import { notFound } from '../errors.js';
import { accepted, failures, missing, single } from '../schemas/answers.js';
import { deliveredWebhook, ENDPOINT, resentWebhook, retryingWebhook } from '../schemas/examples.js';

/** Creates and resends webhooks, and shows them. */
export const webhooks: FastifyPluginAsyncZod<Dependencies> = async (app, dependencies) => {
  const { client, store } = dependencies;
  app.post(
    '/webhooks/create',
    {
      schema: {
        operationId: 'createWebhooks',
        summary: 'Create webhooks for finished calls, and send them',
        description:
          'Creates a webhook for each call that has none yet, and sends it at once. A call that already has one is an error for ' +
          'that call; the others go on. What is not delivered when the answer comes goes on durably.',
        tags: ['Webhooks'],
        headers: batchRequestHeaders,
        body: createBodySchema.meta({
          title: 'CreateRequest',
          examples: [{ call_ids: ['c-17', 'c-18'], webhook_url: ENDPOINT }],
        }),
        response: {
          200: accepted({
            description: 'At least one webhook was created; `errors` lists the calls for which none was.',
            example: [deliveredWebhook],
            errors: [
              {
                error: 'invalid_parameter',
                message: 'call c-18 already has a webhook; resend sends it again',
                call_id: 'c-18',
              },
            ],
            headers: BATCH_HEADERS,
          }),
          202: accepted({
            description: 'As 200, but the wait ended before every first attempt had finished.',
            example: [retryingWebhook],
            headers: BATCH_HEADERS,
          }),
          ...failures(400, 413, 415, 422),
        },
      },
    },
    async (request, reply) => {
      const handle = await client.create({ ...request.body, ...senderOf(request) });
      return sendBatch(request, reply, { handle, callIds: request.body.call_ids }, dependencies);
    },
  );

  app.post(
    '/webhooks/resend',
    {
      schema: {
        operationId: 'resendWebhooks',
        summary: 'Send webhooks again',
        description:
          'Sends the webhooks that these calls have once more, to the same URL and with the same bytes. A call without a webhook, ' +
          'or whose webhook is still being delivered, is an error for that call.',
        tags: ['Webhooks'],
        headers: batchRequestHeaders,
        body: resendBodySchema.meta({ title: 'ResendRequest', examples: [{ call_ids: ['c-17', 'c-18'] }] }),
        response: {
          200: accepted({
            description: 'At least one webhook was sent again; `errors` lists the calls for which none was.',
            example: [resentWebhook],
            errors: [
              {
                error: 'invalid_parameter',
                message: 'the webhook of call c-18 is still being delivered',
                call_id: 'c-18',
              },
            ],
            headers: BATCH_HEADERS,
          }),
          202: accepted({
            description: 'As 200, but the wait ended before every attempt had finished.',
            example: [retryingWebhook],
            headers: BATCH_HEADERS,
          }),
          ...failures(400, 413, 415, 422),
        },
      },
    },
    async (request, reply) => {
      const handle = await client.resend({ ...request.body, ...senderOf(request) });
      return sendBatch(request, reply, { handle, callIds: request.body.call_ids }, dependencies);
    },
  );

  app.get(
    '/webhooks/:call_id',
    {
      schema: {
        operationId: 'getWebhook',
        summary: 'The webhook of a call, with every attempt',
        description: 'As it is stored: answered without a worker too.',
        tags: ['Webhooks'],
        params: z.object({ call_id: z.string().describe('The call, percent-encoded.') }),
        response: {
          200: single(webhookSchema, { description: 'The webhook.', example: deliveredWebhook }),
          404: missing('webhook'),
          ...failures(),
        },
      },
    },
    async (request, reply) => {
      const { call_id } = request.params;
      // What cannot be a call's ID names none, and need not trouble the database.
      const found = callIdSchema.safeParse(call_id).success && (await store.getWebhook(request.caller.userId, call_id));
      if (!found) throw notFound('webhook');
      return sendWebhook(reply, found);
    },
  );
};
