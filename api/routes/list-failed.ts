import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { webhookUrlSchema } from '../../contract/index.js';
import { failures, page } from '../answers.js';
import type { Dependencies } from '../dependencies.js';
import { failedWebhook } from '../examples.js';
import { paging } from '../paging.js';
import { pointInTime } from '../point-in-time.js';
import { sendPage } from '../webhook-answer.js';

const query = z.object({
  since: pointInTime
    .prefault('24h')
    .describe('Failed at or after this time: ISO 8601, or a duration back from now such as `24h`. Default 24h.'),
  until: pointInTime.optional().describe('Failed before this time. Default now.'),
  url: webhookUrlSchema.optional().describe('Only webhooks to this URL.'),
  batch_id: z.string().max(128).optional().describe('Only webhooks that this batch last sent.'),
  ...paging,
});

export const listFailed: FastifyPluginAsyncZod<Dependencies> = async (app, { store }) => {
  app.get(
    '/failed',
    {
      schema: {
        operationId: 'listFailed',
        summary: 'Webhooks that failed for good, a page at a time',
        description: 'Oldest failure first.',
        tags: ['Failed webhooks'],
        querystring: query,
        response: {
          200: page({ description: 'Some of the failed webhooks.', example: [failedWebhook] }),
          ...failures(400),
        },
      },
    },
    async (request, reply) => {
      const { since, until, url, batch_id, limit, cursor } = request.query;
      const found = await store.listFailedWebhooks({
        user_id: request.caller.userId,
        since,
        limit,
        ...(until !== undefined && { until }),
        ...(url !== undefined && { url }),
        ...(batch_id !== undefined && { batch_id }),
        ...(cursor !== undefined && { cursor }),
      });
      return sendPage(reply, found);
    },
  );
};
