import { createHash } from 'node:crypto';
import type { EndpointRef } from '../contract/index.js';

const MAX_LABEL_LENGTH = 100;

/** 64 bits of SHA-256 over an unambiguous serialisation: no two endpoints of one deployment collide. */
const hashOf = (...parts: string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);

/** The endpoint of a user's URL, by hashes and a name for people. */
export function endpointRef(userId: string, url: string): EndpointRef {
  const { origin, pathname } = new URL(url);
  return {
    key: hashOf(userId, url),
    origin: hashOf(userId, origin),
    label: (origin + pathname).slice(0, MAX_LABEL_LENGTH),
  };
}
