import plugin from 'fastify-plugin';
import { Gauge, Histogram, type Registry } from 'prom-client';

/** Up to the longest wait for first attempts. */
const BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Counts and times requests by route pattern, never by path. */
export const metrics = plugin<{ registry: Registry }>(
  async (app, { registry }) => {
    const duration = new Histogram({
      name: 'postcall_http_request_duration_seconds',
      help: 'Time from the first byte of a request to the last of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: BUCKETS_SECONDS,
      registers: [registry],
    });
    const inFlight = new Gauge({
      name: 'postcall_http_requests_in_flight',
      help: 'Requests that wait for their answer.',
      registers: [registry],
    });
    app.addHook('onRequest', async (_request, reply) => {
      inFlight.inc();
      reply.raw.once('close', () => inFlight.dec());
    });
    app.addHook('onResponse', async ({ method, routeOptions }, reply) => {
      const labels = { method, route: routeOptions.url ?? 'none', status: reply.statusCode };
      duration.observe(labels, reply.elapsedTime / 1_000);
    });
  },
  { name: 'metrics' },
);
