import { z } from 'zod';
import { CURSOR_RULE } from '../../contract/cursor.js';

/** The largest page, and the one without a `limit`: webhooks carry transcripts. */
const MAX_LIMIT = 500;
const DEFAULT_LIMIT = 50;
const RULE = `must be a whole number from 1 to ${MAX_LIMIT}`;

/** Digits only: neither `1e2`, `0x10`, ` 5` nor `5.0`. */
const plainInteger = (value: unknown): unknown =>
  typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;

/** Query parameters of lists. */
export const paging = {
  limit: z
    .preprocess(plainInteger, z.int(RULE).min(1, RULE).max(MAX_LIMIT, RULE))
    .prefault(DEFAULT_LIMIT)
    .describe(`How many a page holds. Default ${DEFAULT_LIMIT}.`),
  cursor: z
    .string(CURSOR_RULE)
    .regex(/^[\w-]{1,1024}$/, CURSOR_RULE)
    .optional()
    .describe('`next_cursor` of the page before.'),
};
