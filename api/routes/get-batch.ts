import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { failures, missing, progress, single } from '../answers.js';
import { batchParams } from '../batch-params.js';
import type { Dependencies } from '../dependencies.js';
import { progress as example } from '../examples.js';
import { knownBatch } from '../known-batch.js';

export const getBatch: FastifyPluginAsyncZod<Dependencies> = async (app, dependencies) => {
  app.get(
    '/batches/:batch_id',
    {
      schema: {
        operationId: 'getBatch',
        summary: 'The progress of a batch',
        description: 'As it is stored: answered without a worker too.',
        tags: ['Batches'],
        params: batchParams,
        response: {
          200: single(progress, { description: 'How many of its calls stand where.', example }),
          404: missing('batch'),
          ...failures(),
        },
      },
    },
    async (request) => {
      const batch = { user_id: request.caller.userId, batch_id: request.params.batch_id };
      return { data: await knownBatch(dependencies, batch), errors: null };
    },
  );
};
