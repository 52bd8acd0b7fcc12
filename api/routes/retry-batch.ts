import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { retryBodySchema } from '../../contract/index.js';
import { failures, missing, progress, single } from '../answers.js';
import { batchParams } from '../batch-params.js';
import type { Dependencies } from '../dependencies.js';
import { progress as example } from '../examples.js';
import { ownedBatch } from '../owned-batch.js';

export const retryBatch: FastifyPluginAsyncZod<Dependencies> = async (app, { client }) => {
  app.post(
    '/batches/:batch_id/retry',
    {
      schema: {
        operationId: 'retryBatch',
        summary: 'Try every waiting call now',
        description: 'Calls in flight or settled are left alone. Durable when answered, and safe to repeat.',
        tags: ['Batches'],
        params: batchParams,
        body: retryBodySchema.nullable().meta({ examples: [{ call_ids: ['c-18'] }] }),
        response: {
          200: single(progress, { description: 'Where the batch stands now.', example }),
          404: missing('batch'),
          ...failures(400, 409, 413, 415),
        },
      },
    },
    async (request) => {
      const handle = await ownedBatch(client, request.params.batch_id, request.caller.userId);
      const { call_ids } = request.body ?? {};
      await handle.retryNow(call_ids ? { call_ids } : {});
      return { data: await handle.progress(), errors: null };
    },
  );
};
