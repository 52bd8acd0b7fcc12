import { createHash, createSecretKey } from 'node:crypto';
import type { EncryptionKey, EncryptionOptions } from '../../store/index.js';

/** The same key for the same words. */
export const encryptionKey = (name: string, words = name): EncryptionKey => ({
  name,
  key: createSecretKey(createHash('sha256').update(words).digest()),
});

/** Newest first; `clear` in front: they read only. */
export function encryptionWith(...names: string[]): EncryptionOptions {
  const keys = names.filter((name) => name !== 'clear').map((name) => encryptionKey(name));
  return { keys, encrypts: names[0] !== 'clear' };
}
