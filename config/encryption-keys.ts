import { createSecretKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { list } from './values.js';

/** In front of all keys: they only read, and new values are written in the clear. */
const CLEAR = 'clear';
const PAIR = /^[\w.-]{1,40}:[A-Za-z0-9+/]{43}=$/;
const RULE = 'must be name:key pairs, newest first, each key 32 bytes in base64 (openssl rand -base64 32)';

export interface NamedKey {
  name: string;
  key: KeyObject;
}

function keyOf(pair: string): NamedKey {
  const at = pair.indexOf(':');
  return { name: pair.slice(0, at), key: createSecretKey(pair.slice(at + 1), 'base64') };
}

const isDistinct = (keys: readonly NamedKey[]): boolean =>
  new Set(keys.map(({ name }) => name)).size === keys.length &&
  keys.every(({ key }, index) => keys.findIndex((other) => other.key.equals(key)) === index);

/** Keys for values in the database, as the store takes them; undefined without any. No message repeats a key. */
export const encryptionKeys = () =>
  list(z.string()).transform((items, context) => {
    const encrypts = items[0] !== CLEAR;
    const pairs = encrypts ? items : items.slice(1);
    if (pairs.length === 0 && encrypts) return undefined;
    if (pairs.length === 0 || !pairs.every((pair) => PAIR.test(pair))) {
      context.addIssue({ code: 'custom', message: RULE });
      return z.NEVER;
    }
    const keys = pairs.map(keyOf);
    if (isDistinct(keys)) return { keys, encrypts };
    context.addIssue({ code: 'custom', message: 'must not have the same name or the same key twice' });
    return z.NEVER;
  });
