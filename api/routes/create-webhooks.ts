import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { createBodySchema } from '../../contract/index.js';
import { accepted, failures } from '../answers.js';
import type { Dependencies } from '../dependencies.js';
import { deliveredWebhook, ENDPOINT, retryingWebhook } from '../examples.js';
import { batchRequestHeaders } from '../request-headers.js';
import { BATCH_HEADERS } from '../response-headers.js';
import { sendBatch } from '../send-batch.js';

export const createWebhooks: FastifyPluginAsyncZod<Dependencies> = async (app, { client, ...dependencies }) => {
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
        body: createBodySchema.meta({ examples: [{ call_ids: ['c-17', 'c-18'], webhook_url: ENDPOINT }] }),
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
      const { call_ids, webhook_url } = request.body;
      const key = request.headers['idempotency-key'];
      const handle = await client.create({
        user_id: request.caller.userId,
        call_ids,
        webhook_url,
        ...(key !== undefined && { idempotency_key: key }),
      });
      const repeatable = key !== undefined;
      return sendBatch(request, reply, { handle, callIds: call_ids, repeatable }, dependencies);
    },
  );
};
