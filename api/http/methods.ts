import type { FastifyInstance } from 'fastify';
import plugin from 'fastify-plugin';
import Router from 'find-my-way';
import { ApiError, notFound } from '../errors.js';

/**
 * Answers every method on every path: 405 with `Allow` (RFC 9110, section 15.5.6) where a later route has the path, 404 elsewhere.
 * `maxParamLength` is the server's own.
 */
export const methods = plugin<{ maxParamLength: number }>(
  async (app, { maxParamLength }) => {
    const urls = new Set<string>();
    app.addHook('onRoute', ({ url }) => void urls.add(url));
    const router = Router({ maxParamLength });
    app.addHook('onReady', async () => copyRoutes(app, urls, router));
    // Before the body is looked at.
    app.addHook('onRequest', async (request) => {
      if (!request.is404) return;
      const allow = app.supportedMethods.filter((method) => router.find(method as Method, request.url));
      throw allow.length > 0 ? methodNotAllowed(allow.sort().join(', ')) : notFound('path');
    });
  },
  { name: 'methods' },
);

type Method = Router.HTTPMethod;

/**
 * A router that finds what the server's own finds, percent-encoding and absolute URLs included: the server's own can only be asked to
 * answer.
 */
function copyRoutes(
  app: FastifyInstance,
  urls: Iterable<string>,
  router: Router.Instance<Router.HTTPVersion.V1>,
): void {
  for (const url of urls) {
    const ofUrl = app.supportedMethods.filter((method) => app.hasRoute({ url, method }));
    if (ofUrl.length > 0) router.on(ofUrl as Method[], url, () => undefined);
  }
}

const methodNotAllowed = (allow: string): ApiError =>
  new ApiError(405, [{ error: 'invalid_parameter', message: `The method must be one of ${allow}.` }], { allow });
