import { createHash } from 'node:crypto';

/** A revoked key is turned away after this time at the latest. */
const TTL_MS = 5_000;
/** More keys than are in use at once: memory stays bounded whatever is sent. */
const MAX_KEYS = 10_000;

/** A key as it is remembered and counted: never in the clear. */
export interface Caller {
  userId: string;
  keyHash: string;
}

/** Remembers for five seconds whose a valid key is, so that a busy caller costs no query for each request. */
export class KeyCache {
  readonly #find: (key: string) => Promise<string | undefined>;
  readonly #known = new Map<string, { userId: string; until: number }>();

  constructor(find: (key: string) => Promise<string | undefined>) {
    this.#find = find;
  }

  /** Undefined for a key that is not, or no longer, valid. Unknown keys are not remembered: a new one works at once. */
  async callerOf(key: string): Promise<Caller | undefined> {
    const keyHash = createHash('sha256').update(key).digest('base64');
    const known = this.#known.get(keyHash);
    if (known && known.until > performance.now()) return { userId: known.userId, keyHash };
    this.#known.delete(keyHash);
    const userId = await this.#find(key);
    if (userId === undefined) return undefined;
    this.#remember(keyHash, userId);
    return { userId, keyHash };
  }

  #remember(keyHash: string, userId: string): void {
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= MAX_KEYS) this.#known.delete(oldest);
    this.#known.set(keyHash, { userId, until: performance.now() + TTL_MS });
  }
}
