import { z } from 'zod';
import { MAX_IDEMPOTENCY_KEY_LENGTH } from '../contract/index.js';
import { MAX_WAIT_SECONDS } from './prefer.js';

const KEY_RULE = `must have 1 to ${MAX_IDEMPOTENCY_KEY_LENGTH} characters`;

/** Headers of requests that start a batch. */
export const batchRequestHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .min(1, KEY_RULE)
    .max(MAX_IDEMPOTENCY_KEY_LENGTH, KEY_RULE)
    .optional()
    .describe(
      'Makes a repeated request answer for the batch of the first one instead of starting another. With another body: 422.',
    ),
  prefer: z
    .string()
    .optional()
    .describe(
      `\`wait=N\` (RFC 7240): wait at most N seconds, 0 to ${MAX_WAIT_SECONDS}, for first attempts. Default 30. What cannot be understood is ignored.`,
    ),
});
