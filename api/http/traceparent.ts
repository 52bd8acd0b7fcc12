import plugin from 'fastify-plugin';
import { traceparentSchema } from '../../contract/index.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Where tracing is on and the request has a valid one; W3C Trace Context has any other ignored. */
    traceparent?: string;
  }
}

/** Takes each request's place in a trace. */
export const traceparent = plugin(
  async (app) => {
    app.addHook('onRequest', async (request) => {
      const { success, data } = traceparentSchema.safeParse(request.headers.traceparent);
      if (success) request.traceparent = data;
    });
  },
  { name: 'traceparent' },
);
