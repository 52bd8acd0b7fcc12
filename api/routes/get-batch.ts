import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { failures, missing, progress, single } from '../answers.js';
import { batchParams } from '../batch-params.js';
import type { Dependencies } from '../dependencies.js';
import { progress as example } from '../examples.js';
import { ownedBatch } from '../owned-batch.js';

export const getBatch: FastifyPluginAsyncZod<Dependencies> = async (app, { client }) => {
  app.get(
    '/batches/:batch_id',
    {
      schema: {
        operationId: 'getBatch',
        summary: 'The progress of a batch',
        description: 'For as long as the workflow service keeps the batch; its webhooks can be listed for longer.',
        tags: ['Batches'],
        params: batchParams,
        response: {
          200: single(progress, { description: 'How many of its calls stand where.', example }),
          404: missing('batch'),
          ...failures(409),
        },
      },
    },
    async (request) => {
      const handle = await ownedBatch(client, request.params.batch_id, request.caller.userId);
      return { data: await handle.progress(), errors: null };
    },
  );
};
