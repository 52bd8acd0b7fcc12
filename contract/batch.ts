import { z } from 'zod';
import type { FailureType } from './failures.js';
import { DEFAULT_DOWN_AFTER, DEFAULT_MAX_IN_FLIGHT } from './limits.js';
import { type SendType, WEBHOOK_STATUSES } from './webhook.js';

/** Where a batch stands. `canceling`: in-flight attempts are being waited for, the rest is being settled. */
export const BATCH_STATUSES = ['running', 'paused', 'canceling', 'completed', 'canceled'] as const;
export type BatchStatus = (typeof BATCH_STATUSES)[number];

/** Where an endpoint stands: `down` holds untried calls back, `gone` (HTTP 410) ends the batch's calls to it. */
export const ENDPOINT_STATES = ['up', 'down', 'gone'] as const;
export type EndpointState = (typeof ENDPOINT_STATES)[number];

/** Where one call of a batch stands; `rejected`: no webhook was created for it by this batch. */
export const CALL_STATUSES = [...WEBHOOK_STATUSES, 'rejected'] as const;
export type CallStatus = (typeof CALL_STATUSES)[number];

const count = z.int().nonnegative();

/** How many calls of a batch stand where; the six add up to `total`. */
export const countsSchema = z.object({
  total: count,
  delivered: count,
  retrying: count,
  failed: count,
  rejected: count,
  canceled: count,
  pending: count,
});
export type Counts = z.infer<typeof countsSchema>;

export const endpointProgressSchema = z
  .object({
    url: z
      .string()
      .describe("The endpoint's URL; the workflow itself knows it without its query, cut to 100 characters."),
    state: z.enum(['down', 'gone']),
    since: z.iso.datetime(),
  })
  .meta({ title: 'EndpointProgress' });
export type EndpointProgress = z.infer<typeof endpointProgressSchema>;

export const progressSchema = countsSchema
  .extend({
    batch_id: z.string(),
    status: z.enum(BATCH_STATUSES),
    endpoints: z.array(endpointProgressSchema).describe('Endpoints of the batch that are down or gone; at most 100.'),
    started_at: z.iso.datetime(),
    finished_at: z.iso.datetime().nullable(),
  })
  .meta({ title: 'Batch' });
export type Progress = z.infer<typeof progressSchema>;

/** Why a call was rejected, failed or canceled; `error` is a failure type of the contract. */
export const callErrorSchema = z.object({ call_id: z.string(), error: z.string(), message: z.string() });
export type CallError = z.infer<typeof callErrorSchema>;

export interface CallOutcome {
  call_id: string;
  status: CallStatus;
  /** Set for `rejected`, `failed` and `canceled`. */
  error?: { type: FailureType; message: string };
}

export const batchResultSchema = countsSchema.extend({
  batch_id: z.string(),
  status: z.enum(['completed', 'canceled']),
  started_at: z.iso.datetime(),
  finished_at: z.iso.datetime(),
  errors: z
    .array(callErrorSchema)
    .describe('The first 1,000 calls that were not delivered, in the order of the request.'),
  errors_omitted: count.describe('How many more there are; the `outcomes` query has them all.'),
});
export type BatchResult = z.infer<typeof batchResultSchema>;

/** What a caller may tune for one batch; the command line has an option for each, and shows these descriptions. */
export const batchOptionsSchema = z.object({
  max_in_flight: z
    .int()
    .min(1)
    .max(500)
    .optional()
    .describe(`attempts in flight at once (default: ${DEFAULT_MAX_IN_FLIGHT})`),
  down_after: z
    .int()
    .min(1)
    .max(500)
    .optional()
    .describe(`failures in a row after which an endpoint is down (default: ${DEFAULT_DOWN_AFTER})`),
});
export type BatchOptions = z.infer<typeof batchOptionsSchema>;

/** What every request about a batch's webhooks says; passed on by rest, so that no field is lost on the way. */
export interface BatchBase {
  batch_id: string;
  user_id: string;
  send_type: SendType;
  /** Absent in a resend: each webhook goes where it went before. */
  webhook_url?: string;
  /** Of a resend: takes only webhooks that are `failed`. */
  only_failed?: true;
  /** Of the request that asked for it (W3C Trace Context); each of its webhooks carries it. */
  traceparent?: string;
}

/** One accepted request. Call IDs, URL and options only: a call's payload never enters Temporal's history. */
export interface BatchRequest extends BatchBase {
  call_ids: string[];
  options?: BatchOptions;
}
