import rateLimiting from '@fastify/rate-limit';
import plugin from 'fastify-plugin';
import { rateLimited } from '../errors.js';

/** Counted in this process: behind several of them a caller has as many times the limit. */
export const rateLimit = plugin<{ requestsPerSecond: number }>(
  async (app, { requestsPerSecond }) => {
    await app.register(rateLimiting, {
      max: requestsPerSecond,
      timeWindow: 1_000,
      keyGenerator: (request) => request.caller.keyHash,
      errorResponseBuilder: (_request, { max }) => rateLimited(`This API key may make ${max} requests a second.`),
      // What remains differs from one answer to the next, and would tell answers apart that must be the same.
      addHeadersOnExceeding: {
        'x-ratelimit-limit': false,
        'x-ratelimit-remaining': false,
        'x-ratelimit-reset': false,
      },
    });
  },
  { name: 'rate-limit', dependencies: ['authentication'] },
);
