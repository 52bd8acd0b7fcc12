import { createHmac } from 'node:crypto';

const SECRET_PREFIX = 'whsec_';

/** A Standard Webhooks secret is `whsec_` and the key in base64. */
function standardKey(secret: string): Buffer {
  const key = Buffer.from(secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret, 'base64');
  if (key.length === 0) throw new TypeError('a signing secret holds no key');
  return key;
}

/**
 * `webhook-signature` of Standard Webhooks (https://www.standardwebhooks.com): one `v1` for each secret, so that receivers may change from
 * one secret to the next. By node:crypto: SHA-256 of the `standardwebhooks` library is JavaScript, takes ten times as long, and would be
 * the most expensive part of sending. The tests verify with the library.
 */
function standardSignatures(message: SignedMessage): string {
  const { webhook_id, timestamp, body, secrets } = message;
  const head = `${webhook_id}.${timestamp}.`;
  return secrets
    .map((secret) => `v1,${createHmac('sha256', standardKey(secret)).update(head).update(body).digest('base64')}`)
    .join(' ');
}

/** As Bland signs: the key is the secret's text as its user sees and stores it, `whsec_` included, not the decoded bytes. */
const blandSignature = (body: Buffer, secret: string): string =>
  createHmac('sha256', secret).update(body).digest('hex');

export interface SignedMessage {
  webhook_id: string;
  /** Unix seconds of this attempt. */
  timestamp: number;
  /** The exact bytes that are sent. */
  body: Buffer;
  /** Active secrets, newest first. */
  secrets: readonly string[];
}

/**
 * The signature headers as a flat list of names and values; empty without secrets. `x-webhook-signature` has room for one
 * signature: the newest secret's.
 */
export function signatureHeaders(message: SignedMessage): string[] {
  const [newest] = message.secrets;
  if (newest === undefined) return [];
  return [
    'webhook-signature',
    standardSignatures(message),
    'x-webhook-signature',
    blandSignature(message.body, newest),
  ];
}
