import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ProcessMetrics } from '../../telemetry/index.js';
import type { Dependencies } from '../dependencies.js';

const state = z.enum(['ok', 'unavailable']);
const readiness = z.object({ status: z.enum(['ready', 'draining', 'unavailable']), temporal: state, store: state });

interface OperationsOptions extends Pick<Dependencies, 'client' | 'store'> {
  /** What `/metrics` serves. */
  metrics: ProcessMetrics;
}

/** For load balancers, monitoring and generators of clients: no API key. */
export const operations: FastifyPluginAsyncZod<OperationsOptions> = async (app, { client, store, metrics }) => {
  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'healthz',
        summary: 'The process lives',
        tags: ['Operations'],
        security: [],
        response: {
          200: z.object({ status: z.literal('ok') }).meta({ description: 'It does.', examples: [{ status: 'ok' }] }),
        },
      },
    },
    async () => ({ status: 'ok' as const }),
  );

  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'readyz',
        summary: 'Temporal and the store answer',
        tags: ['Operations'],
        security: [],
        response: {
          200: readiness.meta({
            description: 'Both do.',
            examples: [{ status: 'ready', temporal: 'ok', store: 'ok' }],
          }),
          503: readiness.meta({
            description: 'One does not, or the server is shutting down.',
            examples: [{ status: 'unavailable', temporal: 'unavailable', store: 'ok' }],
          }),
        },
      },
    },
    async (request, reply) => {
      const [temporal, database] = await Promise.all([
        answers(client.ping(), (error) => request.log.warn({ err: error }, 'the workflow service does not answer')),
        answers(store.ping(), (error) => request.log.warn({ err: error }, 'the database does not answer')),
      ]);
      const parts = { temporal, store: database };
      if (app.draining) return reply.code(503).send({ status: 'draining' as const, ...parts });
      if (temporal === 'ok' && database === 'ok') return { status: 'ready' as const, ...parts };
      return reply.code(503).send({ status: 'unavailable' as const, ...parts });
    },
  );

  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.text();
  });

  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
};

async function answers(ping: Promise<void>, onError: (error: unknown) => void): Promise<z.infer<typeof state>> {
  try {
    await ping;
    return 'ok';
  } catch (error) {
    onError(error);
    return 'unavailable';
  }
}
