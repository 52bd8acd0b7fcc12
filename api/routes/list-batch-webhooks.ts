import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isBatchId, WEBHOOK_STATUSES } from '../../contract/index.js';
import { failures, missing, page } from '../answers.js';
import { batchParams } from '../batch-params.js';
import type { Dependencies } from '../dependencies.js';
import { notFound } from '../errors.js';
import { deliveredWebhook, retryingWebhook } from '../examples.js';
import { knownBatch } from '../known-batch.js';
import { paging } from '../paging.js';
import { sendPage } from '../webhook-answer.js';

const query = z.object({
  status: z
    .enum(WEBHOOK_STATUSES, `must be one of ${WEBHOOK_STATUSES.join(', ')}`)
    .optional()
    .describe('Only webhooks that stand so.'),
  ...paging,
});

export const listBatchWebhooks: FastifyPluginAsyncZod<Dependencies> = async (app, dependencies) => {
  app.get(
    '/batches/:batch_id/webhooks',
    {
      schema: {
        operationId: 'listBatchWebhooks',
        summary: 'The webhooks of a batch, a page at a time',
        description: 'In the order of their call IDs. Also those that another batch has sent again since.',
        tags: ['Batches'],
        params: batchParams,
        querystring: query,
        response: {
          200: page({ description: 'Some of its webhooks.', example: [deliveredWebhook, retryingWebhook] }),
          404: missing('batch'),
          ...failures(400),
        },
      },
    },
    async (request, reply) => {
      const { batch_id } = request.params;
      const user_id = request.caller.userId;
      if (!isBatchId(batch_id)) throw notFound('batch');
      const { status, limit, cursor } = request.query;
      const found = await dependencies.store.listBatchWebhooks({
        user_id,
        batch_id,
        limit,
        ...(status !== undefined && { status }),
        ...(cursor !== undefined && { cursor }),
      });
      // Where there are any, they say whose the batch is.
      if (found.webhooks.length === 0) await knownBatch(dependencies, { user_id, batch_id });
      return sendPage(reply, found);
    },
  );
};
