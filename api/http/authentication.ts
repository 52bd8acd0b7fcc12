import rateLimiting from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import plugin from 'fastify-plugin';
import type { Store } from '../../store/store.js';
import { rateLimited, unauthorized } from '../errors.js';
import { type Caller, KeyCache } from './key-cache.js';
import { occurrences } from './occurrences.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set for every route under `/v1`. */
    caller: Caller;
  }
}

const BEARER = /^bearer +/i;
/** Longer than any key; spares the database what cannot be one. */
const MAX_KEY_LENGTH = 1_024;
/** Keys from one address (of IPv6: one /64) that were not valid lately, in a period: more are not looked up. */
const MAX_LOOKUPS = 100;
const PERIOD_SECONDS = 10;
/** Addresses that are counted at once: memory stays bounded. */
const MAX_ADDRESSES = 20_000;

/**
 * Asks for a valid API key: `authorization: <key>` or `Bearer <key>`. A flood of unknown keys is stopped, by its address, before it comes
 * to the database. Keys in use are let in all the while.
 */
export const authentication = plugin<{ store: Pick<Store, 'findUserByApiKey'> }>(
  async (app, { store }) => {
    // Counts by address, where it is not told otherwise.
    await app.register(rateLimiting, {
      global: false,
      max: MAX_LOOKUPS,
      timeWindow: PERIOD_SECONDS * 1_000,
      cache: MAX_ADDRESSES,
    });
    const countLookup = app.createRateLimit();
    let lastFailure: { error: unknown; at: number } | undefined;
    const keys = new KeyCache(async (key) => {
      try {
        return await store.findUserByApiKey(key);
      } catch (error) {
        lastFailure = { error, at: performance.now() };
        throw error;
      }
    });

    const limitLookups = async (request: FastifyRequest) => {
      const limit = await countLookup(request);
      if (limit.isAllowed || !limit.isExceeded) return;
      // What was counted may be valid keys that could not be looked up.
      if (lastFailure && performance.now() - lastFailure.at < PERIOD_SECONDS * 1_000) throw lastFailure.error;
      throw tooManyKeys(limit.ttlInSeconds);
    };
    app.decorateRequest('caller');
    app.addHook('onRequest', async (request) => {
      const key = keyOf(request);
      const caller = key && (await keys.callerOf(key, () => limitLookups(request)));
      if (!caller) throw unauthorized();
      request.caller = caller;
    });
  },
  { name: 'authentication' },
);

/** Undefined where there is none, or more than one: it must be clear who asks. */
function keyOf({ headers, raw }: FastifyRequest): string | undefined {
  const key = headers.authorization?.replace(BEARER, '').trim();
  if (!key || key.length > MAX_KEY_LENGTH) return undefined;
  return occurrences(raw, 'authorization') > 1 ? undefined : key;
}

const tooManyKeys = (retryAfterSeconds: number) =>
  rateLimited(
    `Too many unknown API keys came from this address: at most ${MAX_LOOKUPS} in ${PERIOD_SECONDS} seconds are looked up.`,
    retryAfterSeconds,
  );
