import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { BatchHandle } from '../../client/index.js';
import { failures, missing, progress, single } from '../answers.js';
import { batchParams } from '../batch-params.js';
import type { Dependencies } from '../dependencies.js';
import { progress as example } from '../examples.js';
import { giveOrder } from '../give-order.js';

interface Order {
  operationId: string;
  summary: string;
  give(handle: BatchHandle): Promise<boolean>;
}

/** By the last part of their path. An order to a batch that has ended changes nothing, and is no error. */
const ORDERS: Record<string, Order> = {
  pause: {
    operationId: 'pauseBatch',
    summary: 'Let attempts in flight finish, and start none until resume',
    give: (handle) => handle.pause(),
  },
  resume: {
    operationId: 'resumeBatch',
    summary: 'Go on at once with every unsettled call',
    give: (handle) => handle.resume(),
  },
  cancel: {
    operationId: 'cancelBatch',
    summary: 'Let attempts in flight finish, and settle every other unsettled call as canceled',
    give: (handle) => handle.cancel(),
  },
};

export const steerBatch: FastifyPluginAsyncZod<Dependencies> = async (app, dependencies) => {
  for (const [name, { operationId, summary, give }] of Object.entries(ORDERS)) {
    app.post(
      `/batches/:batch_id/${name}`,
      {
        schema: {
          operationId,
          summary,
          description: 'Durable when answered, also without a worker, and safe to repeat.',
          tags: ['Batches'],
          params: batchParams,
          response: {
            200: single(progress, { description: 'Where the batch stood when the order was taken.', example }),
            404: missing('batch'),
            ...failures(),
          },
        },
      },
      async (request) => {
        const batch = { user_id: request.caller.userId, batch_id: request.params.batch_id };
        return giveOrder(dependencies, batch, give);
      },
    );
  }
};
