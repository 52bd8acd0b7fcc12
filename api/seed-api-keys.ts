import type { Store } from '../store/store.js';

/**
 * Adds keys that the store does not have yet, for a first start. Safe to repeat; a key that was revoked stays revoked. Throws
 * `InvalidRequestError` when a key belongs to another user.
 */
export async function seedApiKeys(store: Store, keys: readonly { userId: string; key: string }[]): Promise<void> {
  for (const { userId, key } of keys) await store.createApiKey(userId, key);
}
