import type { FastifyInstance } from 'fastify';
import plugin from 'fastify-plugin';
import { traceparentSchema } from '../../contract/index.js';
import type { RequestSpan, RequestTracer } from '../../telemetry/index.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Where tracing is on: of this request's span, or else the caller's, where it is valid; W3C Trace Context has any other ignored. */
    traceparent?: string;
    span?: RequestSpan;
  }
}

/** What load balancers and Prometheus ask all day makes no spans. */
const TRACED = '/v1/';

/** Takes each request's place in a trace, and makes a span of it where spans are made. */
export const tracing = plugin<{ requests?: RequestTracer }>(
  async (app, { requests }) => {
    app.addHook('onRequest', async (request) => {
      const { success, data } = traceparentSchema.safeParse(request.headers.traceparent);
      if (success) request.traceparent = data;
    });
    if (requests) makeSpans(app, requests);
  },
  { name: 'tracing' },
);

function makeSpans(app: FastifyInstance, requests: RequestTracer): void {
  app.addHook('onRequest', async (request) => {
    const { method, protocol, traceparent, routeOptions } = request;
    const [path = ''] = request.url.split('?', 1);
    if (!path.startsWith(TRACED)) return;
    const span = requests.startRequest({
      method,
      route: routeOptions.url ?? 'none',
      path,
      scheme: protocol,
      ...(traceparent !== undefined && { traceparent }),
    });
    request.span = span;
    request.traceparent = span.traceparent;
  });
  // After the body has come in: what reads it does not keep what runs within a span.
  app.addHook('preHandler', (request, _reply, done) => (request.span ? request.span.within(done) : done()));
  app.addHook('onResponse', async (request, reply) => request.span?.end(reply.statusCode));
}
