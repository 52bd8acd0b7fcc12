import type { FastifyInstance, HTTPMethods } from 'fastify';
import { ApiError } from './errors.js';

const METHODS: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

const methodNotAllowed = (allow: string): ApiError =>
  new ApiError(405, [{ error: 'invalid_parameter', message: `The method must be one of ${allow}.` }], { allow });

/** Answers 405 with `Allow` (RFC 9110, section 15.5.6) for the paths that `register` adds, under every method it leaves out. */
export function refuseOtherMethods(app: FastifyInstance, register: () => void): void {
  const routes = new Routes();
  app.addHook('onRoute', ({ url, method }) => routes.add(url, [method].flat()));
  register();
  app.after(() => {
    for (const [url, allowed] of routes.byUrl()) refuseRest(app, url, allowed);
  });
}

function refuseRest(app: FastifyInstance, url: string, allowed: readonly string[]): void {
  const error = methodNotAllowed(allowed.join(', '));
  app.route({
    url,
    method: METHODS.filter((method) => !allowed.includes(method)),
    schema: { hide: true },
    // Before the body is looked at.
    onRequest: async () => {
      throw error;
    },
    handler: async () => undefined,
  });
}

class Routes {
  readonly #routes: { url: string; pattern: RegExp; methods: string[] }[] = [];

  add(url: string, methods: string[]): void {
    const pattern = new RegExp(`^${url.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`);
    this.#routes.push({ url, pattern, methods });
  }

  /** Every path, with the methods of all patterns that match it: a call may be named `create`. */
  byUrl(): Map<string, string[]> {
    const allowed = (url: string) =>
      this.#routes.filter(({ pattern }) => pattern.test(url)).flatMap(({ methods }) => methods);
    return new Map(this.#routes.map(({ url }) => [url, [...new Set(allowed(url))].sort()]));
  }
}
