import plugin from 'fastify-plugin';
import type { Store } from '../../store/store.js';
import { unauthorized } from '../errors.js';
import { type Caller, KeyCache } from './key-cache.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set for every route under `/v1`. */
    caller: Caller;
  }
}

const BEARER = /^bearer +/i;
/** Longer than any key; spares the database what cannot be one. */
const MAX_KEY_LENGTH = 1_024;

/** Lets nobody in without a valid API key: `authorization: <key>` or `Bearer <key>`. */
export const authentication = plugin<{ store: Store }>(
  async (app, { store }) => {
    const keys = new KeyCache((key) => store.findUserByApiKey(key));
    app.decorateRequest('caller');
    app.addHook('onRequest', async (request) => {
      const key = request.headers.authorization?.replace(BEARER, '').trim();
      const caller = key && key.length <= MAX_KEY_LENGTH ? await keys.callerOf(key) : undefined;
      if (!caller) throw unauthorized();
      request.caller = caller;
    });
  },
  { name: 'authentication' },
);
