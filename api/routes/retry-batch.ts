import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { MAX_CALLS_PER_ORDER, MAX_ORDER_BYTES, retryBodySchema } from '../../contract/index.js';
import { failures, missing, progress, single } from '../answers.js';
import { batchParams } from '../batch-params.js';
import type { Dependencies } from '../dependencies.js';
import { invalid } from '../errors.js';
import { progress as example } from '../examples.js';
import { giveOrder } from '../give-order.js';

export const retryBatch: FastifyPluginAsyncZod<Dependencies> = async (app, dependencies) => {
  app.post(
    '/batches/:batch_id/retry',
    {
      bodyLimit: MAX_ORDER_BYTES,
      preValidation: async ({ body }: { body: unknown }) => refuseManyCalls(body),
      schema: {
        operationId: 'retryBatch',
        summary: 'Try every waiting call now',
        description: `Calls in flight or settled are left alone. Names at most ${MAX_CALLS_PER_ORDER} calls, in at most 64 kB. Durable when answered, and safe to repeat.`,
        tags: ['Batches'],
        params: batchParams,
        body: retryBodySchema.nullable().meta({ examples: [{ call_ids: ['c-18'] }] }),
        response: {
          200: single(progress, { description: 'Where the batch stood when the order was taken.', example }),
          404: missing('batch'),
          ...failures(400, 413, 415),
        },
      },
    },
    async (request) => {
      const { call_ids } = request.body ?? {};
      const batch = { user_id: request.caller.userId, batch_id: request.params.batch_id };
      return giveOrder(dependencies, batch, (handle) => handle.retryNow(call_ids ? { call_ids } : {}));
    },
  );
};

/** 413 rather than 400: the order is only too large. */
function refuseManyCalls(body: unknown): void {
  const { call_ids } = (body ?? {}) as { call_ids?: unknown };
  if (!Array.isArray(call_ids) || call_ids.length <= MAX_CALLS_PER_ORDER) return;
  throw invalid(413, `call_ids must name at most ${MAX_CALLS_PER_ORDER} calls; name the rest in another order`);
}
