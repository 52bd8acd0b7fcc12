import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isBatchId, WEBHOOK_STATUSES } from '../../contract/index.js';
import { failures, missing, page } from '../answers.js';
import { batchParams } from '../batch-params.js';
import type { Dependencies } from '../dependencies.js';
import { notFound } from '../errors.js';
import { deliveredWebhook, retryingWebhook } from '../examples.js';
import { ownedBatch } from '../owned-batch.js';
import { paging } from '../paging.js';

const query = z.object({
  status: z
    .enum(WEBHOOK_STATUSES, `must be one of ${WEBHOOK_STATUSES.join(', ')}`)
    .optional()
    .describe('Only webhooks that stand so.'),
  ...paging,
});

export const listBatchWebhooks: FastifyPluginAsyncZod<Dependencies> = async (app, { client, store }) => {
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
    async (request) => {
      const { batch_id } = request.params;
      const user_id = request.caller.userId;
      if (!isBatchId(batch_id)) throw notFound('batch');
      const { status, limit, cursor } = request.query;
      const { webhooks, next_cursor } = await store.listBatchWebhooks({
        user_id,
        batch_id,
        limit,
        ...(status !== undefined && { status }),
        ...(cursor !== undefined && { cursor }),
      });
      // Webhooks are kept for longer than the workflow: where there are any, they say whose the batch is.
      if (webhooks.length === 0) await ownedBatch(client, batch_id, user_id);
      return { data: webhooks, errors: null, next_cursor };
    },
  );
};
