import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { BatchHandle } from '../../client/index.js';
import {
  isBatchId,
  MAX_CALLS_PER_ORDER,
  MAX_ORDER_BYTES,
  type Progress,
  progressSchema,
  retryBodySchema,
  WEBHOOK_STATUSES,
  webhookSchema,
} from '../../contract/index.js';
import { knownBatch } from '../answers/known-batch.js';
import { sendPage } from '../answers/webhooks.js';
import type { Dependencies } from '../dependencies.js';
import { invalid, notFound } from '../errors.js';
import { failures, missing, page, single } from '../schemas/answers.js';
import { deliveredWebhook, progress as example, retryingWebhook } from '../schemas/examples.js';
import { paging } from '../schemas/paging.js';

const params = z.object({ batch_id: z.string().describe('As in the Location header, and in webhooks.') });

const query = z.object({
  status: z
    .enum(WEBHOOK_STATUSES, `must be one of ${WEBHOOK_STATUSES.join(', ')}`)
    .optional()
    .describe('Only webhooks that stand so.'),
  ...paging,
});

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

/** Absent, it names every waiting call. */
const retryBody = z.preprocess(
  (body) => body ?? {},
  retryBodySchema.meta({ title: 'RetryRequest', examples: [{ call_ids: ['c-18'] }] }),
);

/** Shows batches and their webhooks, and steers them. */
export const batches: FastifyPluginAsyncZod<Dependencies> = async (app, dependencies) => {
  app.get(
    '/batches/:batch_id',
    {
      schema: {
        operationId: 'getBatch',
        summary: 'The progress of a batch',
        description: 'As it is stored: answered without a worker too.',
        tags: ['Batches'],
        params,
        response: {
          200: single(progressSchema, { description: 'How many of its calls stand where.', example }),
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

  app.get(
    '/batches/:batch_id/webhooks',
    {
      schema: {
        operationId: 'listBatchWebhooks',
        summary: 'The webhooks of a batch, a page at a time',
        description: 'In the order of their call IDs. Also those that another batch has sent again since.',
        tags: ['Batches'],
        params,
        querystring: query,
        response: {
          200: page(webhookSchema, {
            description: 'Some of its webhooks.',
            example: [deliveredWebhook, retryingWebhook],
          }),
          404: missing('batch'),
          ...failures(400),
        },
      },
    },
    async (request, reply) => {
      const { batch_id } = request.params;
      const user_id = request.caller.userId;
      if (!isBatchId(batch_id)) throw notFound('batch');
      const found = await dependencies.store.listBatchWebhooks({ ...request.query, user_id, batch_id });
      // Where there are any, they say whose the batch is.
      if (found.webhooks.length === 0) await knownBatch(dependencies, { user_id, batch_id });
      return sendPage(reply, found);
    },
  );

  for (const [name, { operationId, summary, give }] of Object.entries(ORDERS)) {
    app.post(
      `/batches/:batch_id/${name}`,
      {
        schema: {
          operationId,
          summary,
          description: 'Durable when answered, also without a worker, and safe to repeat.',
          tags: ['Batches'],
          params,
          response: {
            200: single(progressSchema, { description: 'Where the batch stood when the order was taken.', example }),
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

  app.post(
    '/batches/:batch_id/retry',
    {
      bodyLimit: MAX_ORDER_BYTES,
      preValidation: async ({ body }: { body: unknown }) => refuseOrder(body),
      schema: {
        operationId: 'retryBatch',
        summary: 'Try every waiting call now',
        description: `Calls in flight or settled are left alone. Names at most ${MAX_CALLS_PER_ORDER} calls, in at most 64 kB. Durable when answered, and safe to repeat.`,
        tags: ['Batches'],
        params,
        body: retryBody,
        response: {
          200: single(progressSchema, { description: 'Where the batch stood when the order was taken.', example }),
          404: missing('batch'),
          ...failures(400, 413, 415),
        },
      },
    },
    async (request) => {
      const { call_ids } = request.body;
      const batch = { user_id: request.caller.userId, batch_id: request.params.batch_id };
      return giveOrder(dependencies, batch, (handle) => handle.retryNow(call_ids ? { call_ids } : {}));
    },
  );
};

/** Gives an order to a user's batch, durably and without a worker, and answers its progress as it is known then. A finished batch stays as it is. */
async function giveOrder(
  dependencies: Dependencies,
  batch: { user_id: string; batch_id: string },
  give: (handle: BatchHandle) => Promise<boolean>,
): Promise<{ data: Progress; errors: null }> {
  const data = await knownBatch(dependencies, batch);
  if (data.finished_at === null) await give(dependencies.client.getHandle(batch.batch_id));
  return { data, errors: null };
}

/** A body of null would be read as none. 413 rather than 400 for many calls: the order is only too large. */
function refuseOrder(body: unknown): void {
  if (body === null) throw invalid(400, 'the body must be a JSON object');
  const { call_ids } = (body ?? {}) as { call_ids?: unknown };
  if (!Array.isArray(call_ids) || call_ids.length <= MAX_CALLS_PER_ORDER) return;
  throw invalid(413, `call_ids must name at most ${MAX_CALLS_PER_ORDER} calls; name the rest in another order`);
}
