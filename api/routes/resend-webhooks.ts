import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { resendBodySchema } from '../../contract/index.js';
import { accepted, failures } from '../answers.js';
import type { Dependencies } from '../dependencies.js';
import { resentWebhook, retryingWebhook } from '../examples.js';
import { batchRequestHeaders } from '../request-headers.js';
import { BATCH_HEADERS } from '../response-headers.js';
import { sendBatch } from '../send-batch.js';

export const resendWebhooks: FastifyPluginAsyncZod<Dependencies> = async (app, { client, ...dependencies }) => {
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
        body: resendBodySchema.meta({ examples: [{ call_ids: ['c-17', 'c-18'] }] }),
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
      const { call_ids } = request.body;
      const key = request.headers['idempotency-key'];
      const handle = await client.resend({
        user_id: request.caller.userId,
        call_ids,
        ...(key !== undefined && { idempotency_key: key }),
      });
      const repeatable = key !== undefined;
      return sendBatch(request, reply, { handle, callIds: call_ids, repeatable }, dependencies);
    },
  );
};
