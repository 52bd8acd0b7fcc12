import plugin from 'fastify-plugin';
import { ApiError } from '../errors.js';

/** Answers 405 with `Allow` (RFC 9110, section 15.5.6) for the paths of routes that are registered after it, under every method they leave out. */
export const methods = plugin(
  async (app) => {
    const routes = new Routes();
    app.addHook('onRoute', ({ url, method }) => routes.add(url, [method].flat()));
    // Before the body is looked at.
    app.addHook('onRequest', async (request) => {
      const allow = request.is404 ? routes.methodsOf(request.url) : [];
      if (allow.length > 0) throw methodNotAllowed(allow.join(', '));
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
    const path = decodeURI(url.split('?', 1)[0] ?? url);
    const allowed = this.#routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods);
    return [...new Set(allowed)].sort();
  }
}
