import { randomBytes } from 'node:crypto';
import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import { InvalidRequestError } from '../contract/index.js';
import type { Database } from './database.js';
import { signingSecrets } from './schema.js';
import type { SigningSecretInfo } from './store.js';

const SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;

/** Standard Webhooks, "Signature scheme": between 24 and 64 bytes, in base64, after `whsec_`. */
function checkSecret(secret: string): void {
  const bytes = Buffer.from(SECRET.exec(secret)?.[1] ?? '', 'base64').length;
  if (bytes >= 24 && bytes <= 64) return;
  const message = 'secret must be "whsec_" followed by the base64 of 24 to 64 bytes';
  throw new InvalidRequestError([{ field: 'secret', message }]);
}

export async function createSigningSecret(database: Database, userId: string, given?: string) {
  if (given !== undefined) checkSecret(given);
  const secret = given ?? `whsec_${randomBytes(32).toString('base64')}`;
  const id = `ws_${randomBytes(9).toString('base64url')}`;
  await database.run((db) => db.insert(signingSecrets).values({ id, userId, secret }));
  return { id, secret };
}

export async function listSigningSecrets(database: Database, userId?: string): Promise<SigningSecretInfo[]> {
  const ofUser = userId === undefined ? undefined : eq(signingSecrets.userId, userId);
  const rows = await database.run((db) =>
    db.select().from(signingSecrets).where(ofUser).orderBy(asc(signingSecrets.seq)),
  );
  return rows.map((row) => ({
    id: row.id,
    user_id: row.userId,
    created_at: row.createdAt.toISOString(),
    revoked_at: row.revokedAt?.toISOString() ?? null,
  }));
}

export async function revokeSigningSecret(database: Database, id: string): Promise<boolean> {
  const revoked = await database.run((db) =>
    db
      .update(signingSecrets)
      .set({ revokedAt: sql`now()` })
      .where(and(eq(signingSecrets.id, id), isNull(signingSecrets.revokedAt)))
      .returning({ id: signingSecrets.id }),
  );
  return revoked.length > 0;
}
