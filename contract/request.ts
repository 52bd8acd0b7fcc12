import { z } from 'zod';
import { batchOptionsSchema } from './batch.js';
import { CURSOR_RULE, isFailureCursor } from './cursor.js';
import { BATCH_ID } from './ids.js';
import {
  MAX_CALL_ID_LENGTH,
  MAX_CALLS_PER_BATCH,
  MAX_CALLS_PER_ORDER,
  MAX_CALLS_PER_REQUEST,
  MAX_FAILED_PAGE,
  MAX_IDEMPOTENCY_KEY_LENGTH,
  MAX_URL_LENGTH,
} from './limits.js';
import { parseUrl } from './parse-url.js';

// Control characters would corrupt logs and headers; PostgreSQL cannot store NUL, and no UTF-8 exists for lone surrogates.
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
const NO_CONTROL_CHARACTERS = /^[^\u0000-\u001f\u007f]*$/;

/** In code points, as JSON Schema counts. */
const hasAtMost = (max: number, value: string): boolean => value.length <= max || [...value].length <= max;

/** Every message completes a sentence whose subject is the field's name. */
const required = (what: string) => (issue: { input?: unknown }) =>
  issue.input === undefined ? 'is required' : `must be ${what}`;

const text = (maxLength: number) =>
  z
    .string({ error: required('a string') })
    .min(1, 'must not be empty')
    .refine((value) => hasAtMost(maxLength, value), `must have at most ${maxLength} characters`)
    .regex(NO_CONTROL_CHARACTERS, 'must not contain control characters')
    .refine((value) => value.isWellFormed(), 'must be well-formed Unicode')
    .meta({ maxLength });

export const callIdSchema = text(MAX_CALL_ID_LENGTH);
export const userIdSchema = text(128);
export const batchIdSchema = z.string({ error: required('a string') }).regex(BATCH_ID, 'must be the ID of a batch');

const callIdsSchema = (max: number) =>
  z
    .array(callIdSchema, { error: required('an array of call IDs') })
    .min(1, 'must name at least one call')
    .max(max, `must name at most ${max} calls; send the rest in another request`)
    .superRefine((callIds, context) => {
      const seen = new Set<string>();
      callIds.forEach((callId, index) => {
        if (typeof callId === 'string' && seen.has(callId)) {
          context.addIssue({ code: 'custom', path: [index], message: `repeats ${JSON.stringify(callId)}` });
        }
        seen.add(callId);
      });
    })
    .meta({ uniqueItems: true });

const urlProblem = (value: string): string | undefined => {
  const url = parseUrl(value);
  if (!url || !['http:', 'https:'].includes(url.protocol)) return 'must be an absolute http or https URL';
  if (url.username || url.password) return 'must not contain credentials; use signing secrets to authenticate';
  // Letters beyond ASCII become longer by it.
  if (value.length <= MAX_URL_LENGTH && normalised(value).length > MAX_URL_LENGTH) {
    return `must have at most ${MAX_URL_LENGTH} characters when it is percent-encoded`;
  }
  return undefined;
};

function normalised(value: string): string {
  const url = parseUrl(value);
  return url ? url.origin + url.pathname + url.search : value;
}

/**
 * The form that is dialled is stored, shown, grouped and filtered as well: the URL standard's serialisation, without fragment and empty
 * query.
 */
export const webhookUrlSchema = text(MAX_URL_LENGTH)
  .superRefine((value, context) => {
    const message = urlProblem(value);
    if (message) context.addIssue({ code: 'custom', message });
  })
  .overwrite(normalised)
  .meta({ format: 'uri', pattern: '^[Hh][Tt][Tt][Pp][Ss]?://' });

const body = <S extends z.ZodRawShape>(shape: S) => z.object(shape, { error: required('a JSON object') });

/** Body of `POST /v1/postcall/webhooks/create`. */
export const createBodySchema = body({ call_ids: callIdsSchema(MAX_CALLS_PER_REQUEST), webhook_url: webhookUrlSchema });
/** Body of `POST /v1/postcall/webhooks/resend`. */
export const resendBodySchema = body({ call_ids: callIdsSchema(MAX_CALLS_PER_REQUEST) });

/** Body of `POST /v1/postcall/batches/{batch_id}/retry`, and what `BatchHandle.retryNow` takes. */
export const retryBodySchema = body({
  call_ids: callIdsSchema(MAX_CALLS_PER_ORDER).optional().describe('Every waiting call, if absent.'),
});

/** Version 00 of W3C Trace Context (https://www.w3.org/TR/trace-context/#traceparent-header): neither ID is all zeros. */
export const traceparentSchema = z
  .string()
  .regex(
    /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/,
    'must be a traceparent of W3C Trace Context, such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  );

const caller = {
  call_ids: callIdsSchema(MAX_CALLS_PER_BATCH),
  user_id: userIdSchema,
  idempotency_key: text(MAX_IDEMPOTENCY_KEY_LENGTH).optional(),
  options: batchOptionsSchema.optional(),
  traceparent: traceparentSchema.optional(),
};

/** What `PostcallClient.create` takes. */
export const createRequestSchema = createBodySchema.extend(caller);
export type CreateRequest = z.infer<typeof createRequestSchema>;

/** What `PostcallClient.resend` takes. */
export const resendRequestSchema = resendBodySchema.extend(caller);
export type ResendRequest = z.infer<typeof resendRequestSchema>;

/** Webhooks have failed at no time before 1970, and later years than 9999 have no ISO 8601 time of four digits. */
export const isUsualTime = (time: Date): boolean => {
  const year = time.getUTCFullYear();
  return year >= 1970 && year <= 9_999;
};

const time = (what: string) =>
  z.iso
    .datetime({ offset: true, error: required(`${what} as an ISO 8601 time such as 2026-01-31T09:00:00Z`) })
    .refine((value) => isUsualTime(new Date(value)), 'must be in a year from 1970 to 9999');

/** A period without any time in it is a mistake. */
export const hasTime = ({ since, until }: { since: string; until?: string | undefined }): boolean =>
  Date.parse(since) < (until === undefined ? Date.now() : Date.parse(until));
export const NO_TIME = { path: ['since'], error: 'must be before until, which is now where it is absent' };

const failedWindow = {
  user_id: userIdSchema,
  since: time('the start').describe('Webhooks that failed at or after this time.'),
  until: time('the end').optional().describe('Webhooks that failed before this time. Default now.'),
  url: webhookUrlSchema.optional().describe('Only webhooks to this URL.'),
};

/** What `PostcallClient.resendFailed` takes. */
export const resendFailedRequestSchema = body({ ...failedWindow, options: batchOptionsSchema.optional() }).refine(
  hasTime,
  NO_TIME,
);
export type ResendFailedRequest = z.infer<typeof resendFailedRequestSchema>;

/** What `PostcallClient.listFailed` takes. */
export const failedRequestSchema = body({
  ...failedWindow,
  batch_id: batchIdSchema.optional().describe('Only webhooks that this batch last sent.'),
  limit: z
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(MAX_FAILED_PAGE, `must be at most ${MAX_FAILED_PAGE}`)
    .default(100),
  cursor: z
    .string()
    .max(1_024, CURSOR_RULE)
    .refine(isFailureCursor, CURSOR_RULE)
    .optional()
    .describe('`next_cursor` of the page before.'),
}).refine(hasTime, NO_TIME);
export type FailedRequest = z.input<typeof failedRequestSchema>;
