import { z } from 'zod';
import { ENDPOINT_STATES } from './batch.js';

/** An endpoint of one user (each webhook URL is one), as the attempts of all batches have shown it. */
export const endpointSchema = z
  .object({
    url: z.string(),
    state: z
      .enum(ENDPOINT_STATES)
      .describe('`down`: ten attempts in a row failed at its level. `gone`: it answered 410. By its last attempts.'),
    since: z.iso.datetime().describe('Since when. Of one that is down: the first of the failures in a row.'),
    waiting: z.int().nonnegative().describe('Webhooks to it that are not settled yet, paused ones included.'),
    last_answer: z
      .object({
        at: z.iso.datetime(),
        response_code: z.int().nullable(),
        error: z.string().nullable().describe('Why there is no response code, when there is none.'),
      })
      .nullable()
      .describe('What the last attempt brought, as noted at most a second later; null before the first one.'),
    next_probe_at: z.iso
      .datetime()
      .nullable()
      .describe('Of one that fails: when one of the webhooks that wait is tried next; null when none of them may be.'),
  })
  .meta({ title: 'Endpoint' });
export type Endpoint = z.infer<typeof endpointSchema>;
