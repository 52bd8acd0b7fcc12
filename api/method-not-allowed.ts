import type { FastifyInstance, HTTPMethods } from 'fastify';
import { ApiError } from './errors.js';

const METHODS: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

const methodNotAllowed = (allow: string): ApiError =>
  new ApiError(405, [{ error: 'invalid_parameter', message: `The method must be one of ${allow}.` }], { allow });

/** Answers 405 with `Allow` (RFC 9110, section 15.5.6) for the paths that `register` adds, under every method it leaves out. */
export function refuseOtherMethods(app: FastifyInstance, register: () => void): void {
  const allowed = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = allowed.get(url) ?? new Set();
    for (const each of [method].flat()) methods.add(each);
    allowed.set(url, methods);
  });
  register();
  app.after(() => {
    for (const [url, methods] of [...allowed]) refuseRest(app, url, methods);
  });
}

function refuseRest(app: FastifyInstance, url: string, allowed: ReadonlySet<string>): void {
  const error = methodNotAllowed([...allowed].sort().join(', '));
  app.route({
    url,
    method: METHODS.filter((method) => !allowed.has(method)),
    schema: { hide: true },
    // Before the body is looked at.
    onRequest: async () => {
      throw error;
    },
    handler: async () => undefined,
  });
}
