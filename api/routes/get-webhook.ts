import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callIdSchema } from '../../contract/index.js';
import { failures, missing, single, webhook } from '../answers.js';
import type { Dependencies } from '../dependencies.js';
import { notFound } from '../errors.js';
import { deliveredWebhook } from '../examples.js';
import { sendWebhook } from '../webhook-answer.js';

export const getWebhook: FastifyPluginAsyncZod<Dependencies> = async (app, { store }) => {
  app.get(
    '/webhooks/:call_id',
    {
      schema: {
        operationId: 'getWebhook',
        summary: 'The webhook of a call, with every attempt',
        tags: ['Webhooks'],
        params: z.object({ call_id: z.string().describe('The call, percent-encoded.') }),
        response: {
          200: single(webhook, { description: 'The webhook.', example: deliveredWebhook }),
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
