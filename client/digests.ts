import { createHash, randomBytes } from 'node:crypto';
import type { BatchOptions, SendType } from '../contract/index.js';

/** SHA-256 over an unambiguous serialisation, as 32 hexadecimal digits (128 bits). */
const digest = (...parts: unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);

const WORKFLOW_PART_PREFIX = 'b_';

export const randomId = (): string => randomBytes(16).toString('hex');

/** Names the workflow of batches without an idempotency key. */
export const randomWorkflowPart = (): string => WORKFLOW_PART_PREFIX + randomId();

/** The same user and key name the same workflow; another user's equal key names another one. */
export const workflowPartOfKey = (userId: string, idempotencyKey: string): string =>
  WORKFLOW_PART_PREFIX + digest('batch', userId, idempotencyKey);

/** Tells a batch from the others that have, or had, its workflow ID. */
export const randomSuffix = (): string => randomBytes(4).toString('hex');

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

/** At most 64 bytes (Temporal's limit): shares the server's workers fairly between the hosts of all users. */
export const fairnessKey = (userId: string, webhookUrl: string | undefined): string =>
  digest(userId, webhookUrl === undefined ? undefined : new URL(webhookUrl).origin);
