import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { and, asc, eq, isNull, type SQL, sql } from 'drizzle-orm';
import { InvalidRequestError } from '../contract/index.js';
import type { Database } from './database.js';
import { apiKeys } from './schema.js';
import type { ApiKeyInfo } from './store.js';

/** SHA-256 is enough for keys of 256 random bits: there is nothing to guess, so a slow hash would only slow requests down. */
const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');

const generateKey = (): string => `pk_${randomBytes(32).toString('base64url')}`;
/** 42 random bits of a generated key: enough to tell keys apart, useless to whoever guesses the rest. */
const generatedPrefix = (key: string): string => key.slice(0, 10);
/** A given key may be short and share its beginning with others: a few characters, and a part of its hash. */
const givenPrefix = (key: string, hash: string): string =>
  `${key.slice(0, Math.min(4, key.length >> 2))}~${hash.slice(0, 8)}`;

/** A given key may be created again for the same user, which changes nothing: it stays revoked if it was. */
export async function createApiKey(database: Database, userId: string, given?: string) {
  if (given === '') throw new InvalidRequestError([{ field: 'key', message: 'key must not be empty' }]);
  const key = given ?? generateKey();
  const hash = hashOf(key);
  const prefix = given === undefined ? generatedPrefix(key) : givenPrefix(key, hash);
  await database.run((db) =>
    db.insert(apiKeys).values({ hash, prefix, userId }).onConflictDoNothing({ target: apiKeys.hash }),
  );
  const [row] = await database.run((db) => db.select().from(apiKeys).where(eq(apiKeys.hash, hash)));
  if (row?.userId !== userId) {
    throw new InvalidRequestError([{ field: 'key', message: 'key belongs to another user already' }]);
  }
  return { key, prefix: row.prefix };
}

export async function listApiKeys(database: Database, userId?: string): Promise<ApiKeyInfo[]> {
  const ofUser: SQL | undefined = userId === undefined ? undefined : eq(apiKeys.userId, userId);
  const rows = await database.run((db) =>
    db.select().from(apiKeys).where(ofUser).orderBy(asc(apiKeys.createdAt), asc(apiKeys.prefix)),
  );
  return rows.map((row) => ({
    prefix: row.prefix,
    user_id: row.userId,
    created_at: row.createdAt.toISOString(),
    revoked_at: row.revokedAt?.toISOString() ?? null,
  }));
}

export async function revokeApiKey(database: Database, prefix: string): Promise<boolean> {
  const revoked = await database.run((db) =>
    db
      .update(apiKeys)
      .set({ revokedAt: sql`now()` })
      .where(and(eq(apiKeys.prefix, prefix), isNull(apiKeys.revokedAt)))
      .returning({ prefix: apiKeys.prefix }),
  );
  return revoked.length > 0;
}

export async function findUserByApiKey(database: Database, key: string): Promise<string | undefined> {
  const hash = hashOf(key);
  const [row] = await database.run((db) =>
    db
      .select({ hash: apiKeys.hash, userId: apiKeys.userId })
      .from(apiKeys)
      .where(and(eq(apiKeys.hash, hash), isNull(apiKeys.revokedAt))),
  );
  return row && timingSafeEqual(Buffer.from(row.hash), Buffer.from(hash)) ? row.userId : undefined;
}
