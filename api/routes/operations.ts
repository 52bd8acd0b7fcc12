import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { cached, type ProcessMetrics } from '../../telemetry/index.js';
import type { Dependencies } from '../dependencies.js';
import { anyFailure } from '../schemas/answers.js';

/** Milliseconds for which an answer of Temporal and the store stands: `/readyz` needs no key, and must be no way to load them. */
const ANSWER_MS = 1_000;

const state = z.enum(['ok', 'unavailable']);
const readiness = z
  .object({ status: z.enum(['ready', 'draining', 'unavailable']), temporal: state, store: state })
  .meta({ title: 'Readiness' });

interface OperationsOptions extends Pick<Dependencies, 'client' | 'store'> {
  /** What `/metrics` serves. */
  metrics: ProcessMetrics;
}

/** For load balancers, monitoring and generators of clients: no API key. */
export const operations: FastifyPluginAsyncZod<OperationsOptions> = async (app, { client, store, metrics }) => {
  const ask = cached(ANSWER_MS, async () => {
    const [temporal, database] = await Promise.all([
      answers(client.ping(), (error) => app.log.warn({ err: error }, 'the workflow service does not answer')),
      answers(store.ping(), (error) => app.log.warn({ err: error }, 'the database does not answer')),
    ]);
    return { temporal, store: database };
  });

  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'healthz',
        summary: 'The process lives',
        description: 'Asks nothing of Temporal and the store.',
        tags: ['Operations'],
        security: [],
        response: {
          200: z
            .object({ status: z.literal('ok') })
            .meta({ title: 'Health', description: 'It does.', examples: [{ status: 'ok' }] }),
          ...anyFailure,
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
        description: 'An answer of theirs stands for a second.',
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
          ...anyFailure,
        },
      },
    },
    async (_request, reply) => {
      const parts = await ask();
      if (app.draining) return reply.code(503).send({ status: 'draining' as const, ...parts });
      if (parts.temporal === 'ok' && parts.store === 'ok') return { status: 'ready' as const, ...parts };
      return reply.code(503).send({ status: 'unavailable' as const, ...parts });
    },
  );

  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.text();
  });

  let document: string | undefined;
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    document ??= JSON.stringify(app.swagger());
    return reply.type('application/json; charset=utf-8').send(document);
  });
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
