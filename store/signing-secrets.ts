import { randomBytes } from 'node:crypto';
import { InvalidRequestError } from '../contract/index.js';
import { milliseconds, orNull, text } from './answer.js';
import type { Database } from './database.js';
import type { Cipher } from './encryption/cipher.js';
import { isoTime, isoTimeOrNull } from './sql.js';
import { plainStatement } from './statement.js';
import type { CreatedSigningSecret, NewSigningSecret, SigningSecretInfo } from './store.js';

const SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;

/** Standard Webhooks, "Signature scheme": between 24 and 64 bytes, in base64, after `whsec_`. */
function checkSecret(secret: string): void {
  const bytes = Buffer.from(SECRET.exec(secret)?.[1] ?? '', 'base64').length;
  if (bytes >= 24 && bytes <= 64) return;
  const message = 'secret must be "whsec_" followed by the base64 of 24 to 64 bytes';
  throw new InvalidRequestError([{ field: 'secret', message }]);
}

/** A later activation than this is a slip of the hand. */
const MAX_ACTIVATE_IN_MS = 365 * 24 * 3_600_000;

function checkActivation(ms: number): void {
  if (ms >= 0 && ms <= MAX_ACTIVATE_IN_MS) return;
  throw new InvalidRequestError([{ field: 'activate_in_ms', message: 'activate_in_ms must be from 0 to 365 days' }]);
}

const insertStatement = plainStatement<[id: string, userId: string, secret: string, activateInMs: number]>()(
  { activates_at_ms: milliseconds('activates_at') },
  (answer) => `
  insert into signing_secrets (id, user_id, secret, activates_at)
  values ($1, $2, $3, now() + $4::float8 * interval '1 millisecond')
  returning ${answer}`,
);

export async function createSigningSecret(
  database: Database,
  cipher: Cipher,
  userId: string,
  { secret: given, activate_in_ms = 0 }: NewSigningSecret,
): Promise<CreatedSigningSecret> {
  if (given !== undefined) checkSecret(given);
  checkActivation(activate_in_ms);
  const secret = given ?? `whsec_${randomBytes(32).toString('base64')}`;
  const id = `ws_${randomBytes(9).toString('base64url')}`;
  const sealed = cipher.seal(secret, ['secret', userId, id]);
  const [row] = await database.run(insertStatement, [id, userId, sealed, activate_in_ms]);
  return { id, secret, activates_at: isoTime(row?.activates_at_ms ?? Number.NaN) };
}

const listStatement = plainStatement<[userId: string | null]>()(
  {
    id: text(),
    user_id: text(),
    created_at_ms: milliseconds('created_at'),
    activates_at_ms: milliseconds('activates_at'),
    revoked_at_ms: orNull(milliseconds('revoked_at')),
  },
  (answer) => `select ${answer} from signing_secrets where $1::text is null or user_id = $1 order by seq`,
);

export async function listSigningSecrets(database: Database, userId?: string): Promise<SigningSecretInfo[]> {
  const rows = await database.run(listStatement, [userId ?? null]);
  return rows.map(({ id, user_id, created_at_ms, activates_at_ms, revoked_at_ms }) => ({
    id,
    user_id,
    created_at: isoTime(created_at_ms),
    activates_at: isoTime(activates_at_ms),
    revoked_at: isoTimeOrNull(revoked_at_ms),
  }));
}

const revokeStatement = plainStatement<[id: string]>()(
  { id: text() },
  (answer) => `update signing_secrets set revoked_at = now() where id = $1 and revoked_at is null returning ${answer}`,
);

export async function revokeSigningSecret(database: Database, id: string): Promise<boolean> {
  return (await database.run(revokeStatement, [id])).length > 0;
}
