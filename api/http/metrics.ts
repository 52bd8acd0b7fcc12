import plugin from 'fastify-plugin';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { UNAVAILABLE_REASONS, type UnavailableReason } from '../errors.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set when it was accepted as a batch. */
    accepted?: { batchId: string; calls: number };
    /** Set when it was turned away with 503. */
    unavailable?: UnavailableReason;
  }
}

/** Up to the longest wait for first attempts. */
const BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Counts and times requests by route pattern, never by path; counts what was accepted and what was turned away. */
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
    const batches = new Counter({
      name: 'postcall_accepted_batches_total',
      help: 'Requests to create or resend webhooks that were accepted, repetitions with an idempotency key included.',
      registers: [registry],
    });
    const calls = new Counter({
      name: 'postcall_accepted_calls_total',
      help: 'Calls of these requests, those included that were then rejected.',
      registers: [registry],
    });
    const unavailable = new Counter({
      name: 'postcall_unavailable_total',
      help: 'Requests that were answered with 503.',
      labelNames: ['reason'],
      registers: [registry],
    });
    // A counter that begins with its first event never increases by it.
    for (const reason of UNAVAILABLE_REASONS) unavailable.inc({ reason }, 0);
    app.addHook('onRequest', async (_request, reply) => {
      inFlight.inc();
      reply.raw.once('close', () => inFlight.dec());
    });
    app.addHook('onResponse', async (request, reply) => {
      const { method, routeOptions } = request;
      const labels = { method, route: routeOptions.url ?? 'none', status: reply.statusCode };
      duration.observe(labels, reply.elapsedTime / 1_000);
      if (request.unavailable) unavailable.inc({ reason: request.unavailable });
      if (!request.accepted) return;
      batches.inc();
      calls.inc(request.accepted.calls);
    });
  },
  { name: 'metrics' },
);
