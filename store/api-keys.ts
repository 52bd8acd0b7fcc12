import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { InvalidRequestError } from '../contract/index.js';
import { milliseconds, orNull, text } from './answer.js';
import type { Database } from './database.js';
import { isoTime, isoTimeOrNull } from './sql.js';
import { plainStatement } from './statement.js';
import type { ApiKeyInfo } from './store.js';

/** SHA-256 is enough for keys of 256 random bits: there is nothing to guess, so a slow hash would only slow requests down. */
const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');

const generateKey = (): string => `pk_${randomBytes(32).toString('base64url')}`;
/** 42 random bits of a generated key: enough to tell keys apart, and no help in guessing the rest. */
const generatedPrefix = (key: string): string => key.slice(0, 10);
/** A given key may be short and share its beginning with others: a few characters, and a part of its hash. */
const givenPrefix = (key: string, hash: string): string =>
  `${key.slice(0, Math.min(4, key.length >> 2))}~${hash.slice(0, 8)}`;

const KEY = { hash: text(), prefix: text(), user_id: text() };

/** A given key may be created again for the same user, which changes nothing: it stays revoked if it was. */
const insertStatement = plainStatement<[hash: string, prefix: string, userId: string]>()(
  {},
  () => 'insert into api_keys (hash, prefix, user_id) values ($1, $2, $3) on conflict (hash) do nothing',
);
const readStatement = plainStatement<[hash: string]>()(
  KEY,
  (answer) => `select ${answer} from api_keys where hash = $1`,
);

export async function createApiKey(database: Database, userId: string, given?: string) {
  if (given === '') throw new InvalidRequestError([{ field: 'key', message: 'key must not be empty' }]);
  const key = given ?? generateKey();
  const hash = hashOf(key);
  const prefix = given === undefined ? generatedPrefix(key) : givenPrefix(key, hash);
  await database.run(insertStatement, [hash, prefix, userId]);
  const [row] = await database.run(readStatement, [hash]);
  if (row?.user_id !== userId) {
    throw new InvalidRequestError([{ field: 'key', message: 'key belongs to another user already' }]);
  }
  return { key, prefix: row.prefix };
}

const listStatement = plainStatement<[userId: string | null]>()(
  {
    prefix: text(),
    user_id: text(),
    created_at_ms: milliseconds('created_at'),
    revoked_at_ms: orNull(milliseconds('revoked_at')),
  },
  (answer) => `select ${answer} from api_keys where $1::text is null or user_id = $1 order by created_at, prefix`,
);

export async function listApiKeys(database: Database, userId?: string): Promise<ApiKeyInfo[]> {
  const rows = await database.run(listStatement, [userId ?? null]);
  return rows.map(({ prefix, user_id, created_at_ms, revoked_at_ms }) => ({
    prefix,
    user_id,
    created_at: isoTime(created_at_ms),
    revoked_at: isoTimeOrNull(revoked_at_ms),
  }));
}

const revokeStatement = plainStatement<[prefix: string]>()(
  { prefix: text() },
  (answer) => `update api_keys set revoked_at = now() where prefix = $1 and revoked_at is null returning ${answer}`,
);

export async function revokeApiKey(database: Database, prefix: string): Promise<boolean> {
  return (await database.run(revokeStatement, [prefix])).length > 0;
}

const findStatement = plainStatement<[hash: string]>()(
  KEY,
  (answer) => `select ${answer} from api_keys where hash = $1 and revoked_at is null`,
);

export async function findUserByApiKey(database: Database, key: string): Promise<string | undefined> {
  const hash = hashOf(key);
  const [row] = await database.run(findStatement, [hash]);
  return row && timingSafeEqual(Buffer.from(row.hash), Buffer.from(hash)) ? row.user_id : undefined;
}
