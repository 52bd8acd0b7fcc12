import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** A revoked key is turned away after this time at the latest. */
const KNOWN_MS = 5_000;
/** A new key that was tried before it was there works after this time at the latest. */
const UNKNOWN_MS = 1_000;
const LIMITS = {
  /** More keys than are in use at once; others cost no more memory. */
  max: 10_000,
  /** Looks at the clock each time. */
  ttlResolution: 0,
  perf: { now: () => performance.now() },
};

/** A key as it is remembered and counted: never in the clear. */
export interface Caller {
  userId: string;
  keyHash: string;
}

/**
 * Remembers for five seconds whose a valid key is, and for one second that a key is not valid. So a busy caller and a flood cost few
 * queries.
 */
export class KeyCache {
  readonly #known: LRUCache<string, Caller, string>;
  readonly #unknown = new LRUCache<string, true>({ ...LIMITS, ttl: UNKNOWN_MS });
  /** Of keys that were not valid lately. */
  readonly #lookups = new Map<string, Promise<Caller | undefined>>();

  constructor(find: (key: string) => Promise<string | undefined>) {
    this.#known = new LRUCache<string, Caller, string>({
      ...LIMITS,
      ttl: KNOWN_MS,
      // An absence of the database is no word on the key.
      noDeleteOnFetchRejection: true,
      fetchMethod: async (keyHash, _old, { context: key }) => {
        const userId = await find(key);
        if (userId !== undefined) return { userId, keyHash };
        this.#unknown.set(keyHash, true);
        return undefined;
      },
    });
  }

  /**
   * Undefined for a key that is not, or no longer, valid. Concurrent requests with one key share a lookup. `beforeLookup` is called before
   * a lookup of a key that was not valid lately; its error is thrown.
   */
  async callerOf(key: string, beforeLookup?: () => Promise<void>): Promise<Caller | undefined> {
    const keyHash = createHash('sha256').update(key).digest('base64');
    if (this.#unknown.has(keyHash)) return undefined;
    const wasValid = this.#known.peek(keyHash, { allowStale: true }) !== undefined;
    if (wasValid) return this.#known.fetch(keyHash, { context: key });
    return this.#lookups.get(keyHash) ?? this.#lookUp(key, keyHash, beforeLookup);
  }

  #lookUp(key: string, keyHash: string, beforeLookup?: () => Promise<void>): Promise<Caller | undefined> {
    const look = async () => {
      try {
        await beforeLookup?.();
        return await this.#known.fetch(keyHash, { context: key });
      } finally {
        this.#lookups.delete(keyHash);
      }
    };
    const lookup = look();
    this.#lookups.set(keyHash, lookup);
    return lookup;
  }
}
