import { z } from 'zod';

/** The largest page, and the one without a `limit`: webhooks carry transcripts. */
const MAX_LIMIT = 500;
const DEFAULT_LIMIT = 50;
const RULE = `must be a whole number from 1 to ${MAX_LIMIT}`;

/** Query parameters of lists. */
export const paging = {
  limit: z.coerce
    .number(RULE)
    .int(RULE)
    .min(1, RULE)
    .max(MAX_LIMIT, RULE)
    .default(DEFAULT_LIMIT)
    .describe(`How many a page holds. Default ${DEFAULT_LIMIT}.`),
  cursor: z
    .string()
    .max(1_024, 'must be the next_cursor of the page before')
    .optional()
    .describe('`next_cursor` of the page before.'),
};
