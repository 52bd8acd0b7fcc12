import { createHash, randomBytes } from 'node:crypto';
import type { BatchRequest } from '../contract/index.js';

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

/** Every field that is defined, by its name: `['options.max_in_flight', 10]`. A list counts as one value. */
const definedFields = (fields: object, prefix = ''): [name: string, value: unknown][] =>
  Object.entries(fields).flatMap(([name, value]): [string, unknown][] => {
    if (value === undefined) return [];
    const isNested = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isNested ? definedFields(value, `${prefix}${name}.`) : [[prefix + name, value]];
  });

/**
 * Tells a repeated request from another one under the same idempotency key, by all of its fields, in any order. A new field counts as well,
 * and leaves the fingerprints of requests without it as they were. Not the traceparent: a repetition has a place of its own in a trace.
 */
export const requestFingerprint = ({ traceparent: _, ...request }: Omit<BatchRequest, 'batch_id'>): string =>
  digest(...definedFields(request).sort(([one], [other]) => (one < other ? -1 : 1)));

/** At most 64 bytes (Temporal's limit): shares the server's workers fairly between the hosts of all users. */
export const fairnessKey = (userId: string, webhookUrl: string | undefined): string =>
  digest(userId, webhookUrl === undefined ? undefined : new URL(webhookUrl).origin);
