import { createHash, randomBytes } from 'node:crypto';
import type { BatchOptions, SendType } from '../contract/index.js';

/** SHA-256 over an unambiguous serialisation, as 32 hexadecimal digits (128 bits). */
const digest = (...parts: unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);

const BATCH_ID_PREFIX = 'b_';

export const randomId = (): string => randomBytes(16).toString('hex');

export const randomBatchId = (): string => BATCH_ID_PREFIX + randomId();

/** The same user and key give the same batch ID; another user's equal key gives another one. */
export const batchIdOfKey = (userId: string, idempotencyKey: string): string =>
  BATCH_ID_PREFIX + digest('batch', userId, idempotencyKey);

/** What of a request must be the same for it to count as repeated. */
export interface RequestContent {
  send_type: SendType;
  webhook_url?: string | undefined;
  call_ids: string[];
  options?: BatchOptions | undefined;
}

/** Tells a repeated request from another one under the same idempotency key. */
export const requestFingerprint = ({ send_type, webhook_url, call_ids, options }: RequestContent): string =>
  digest(send_type, webhook_url, call_ids, options?.max_in_flight, options?.down_after);

/** At most 64 bytes (Temporal's limit): shares the server's workers fairly between the endpoints of all users. */
export const fairnessKey = (userId: string, webhookUrl: string | undefined): string => digest(userId, webhookUrl);
