import plugin from 'fastify-plugin';
import { ApiError, notFound } from '../errors.js';

/**
 * Answers every method on every path: 405 with `Allow` (RFC 9110, section 15.5.6) where a route that is registered after it has the path,
 * 404 elsewhere.
 */
export const methods = plugin(
  async (app) => {
    const routes = new Routes();
    app.addHook('onRoute', ({ url, method }) => routes.add(url, [method].flat()));
    // Before the body is looked at.
    app.addHook('onRequest', async (request) => {
      if (!request.is404) return;
      const allow = routes.methodsOf(request.url);
      throw allow.length > 0 ? methodNotAllowed(allow.join(', ')) : notFound('path');
    });
  },
  { name: 'methods' },
);

const methodNotAllowed = (allow: string): ApiError =>
  new ApiError(405, [{ error: 'invalid_parameter', message: `The method must be one of ${allow}.` }], { allow });

class Routes {
  readonly #routes: { pattern: RegExp; methods: string[] }[] = [];

  add(url: string, methods: string[]): void {
    const pattern = url.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+').replaceAll('*', '.*');
    this.#routes.push({ pattern: new RegExp(`^${pattern}$`), methods });
  }

  /** Of all patterns that match the path: a call may be named `create`. */
  methodsOf(url: string): string[] {
    const path = decoded(url.split('?', 1)[0] ?? url);
    const allowed = this.#routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods);
    return [...new Set(allowed)].sort();
  }
}

/** As the router compares paths: percent-encoded slashes separate nothing. */
function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    // The router has refused it already; no route has this path.
    return path;
  }
}
