import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { batchIdSchema, webhookSchema, webhookUrlSchema } from '../../contract/index.js';
import { sendPage } from '../answers/webhooks.js';
import type { Dependencies } from '../dependencies.js';
import { failures, page, single } from '../schemas/answers.js';
import { failedWebhook } from '../schemas/examples.js';
import { paging } from '../schemas/paging.js';
import { pointInTime, readPeriod } from '../schemas/point-in-time.js';

const query = z
  .object({
    since: pointInTime
      .prefault('24h')
      .describe('Failed at or after this time: ISO 8601, or a duration back from now such as `24h`. Default 24h.'),
    until: pointInTime.optional().describe('Failed before this time. Default now.'),
    url: webhookUrlSchema.optional().describe('Only webhooks to this URL.'),
    batch_id: batchIdSchema.optional().describe('Only webhooks that this batch last sent.'),
    ...paging,
  })
  .transform(readPeriod);

const body = z
  .object(
    {
      since: pointInTime.describe('Failed at or after this time: ISO 8601, or a duration back from now such as `24h`.'),
      until: pointInTime.optional().describe('Failed before this time. Default now.'),
      url: webhookUrlSchema.optional().describe('Only webhooks to this URL.'),
    },
    'must be a JSON object',
  )
  .transform(readPeriod);

const resend = z
  .object({
    id: z.string().describe('The workflow that sends them, for the Temporal Web UI.'),
    since: z.iso.datetime(),
    until: z.iso.datetime(),
  })
  .meta({ title: 'ResendFailed' });

/** Lists webhooks that failed for good, and sends them again. */
export const failed: FastifyPluginAsyncZod<Dependencies> = async (app, { client, store }) => {
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
          200: page(webhookSchema, { description: 'Some of the failed webhooks.', example: [failedWebhook] }),
          ...failures(400),
        },
      },
    },
    async (request, reply) => {
      const found = await store.listFailedWebhooks({ ...request.query, user_id: request.caller.userId });
      return sendPage(reply, found);
    },
  );

  app.post(
    '/failed/resend',
    {
      schema: {
        operationId: 'resendFailed',
        summary: 'Send again what failed in a period',
        description:
          'Sends every webhook again that failed in the period, in batches of at most 500. What fails once more is not sent a ' +
          'third time.',
        tags: ['Failed webhooks'],
        body: body.meta({ title: 'ResendFailedRequest', examples: [{ since: '24h' }] }),
        response: {
          202: single(resend, {
            description: 'Accepted: it goes on durably.',
            example: {
              id: 'resend-failed-7d444840c9dc4b1c9a7e2f2f3f3a4e55',
              since: '2026-01-30T09:00:00.000Z',
              until: '2026-01-31T09:00:00.000Z',
            },
          }),
          ...failures(400, 413, 415),
        },
      },
    },
    async (request, reply) => {
      const { since, until = new Date().toISOString() } = request.body;
      const { workflowId } = await client.resendFailed({ ...request.body, until, user_id: request.caller.userId });
      return reply.code(202).send({ data: { id: workflowId, since, until }, errors: null });
    },
  );
};
