import { z } from 'zod';
import { webhookSchema } from '../../contract/index.js';
import { ERROR_CODES, type ErrorEntry, UNAVAILABLE_REASONS } from '../errors.js';

/** Schemas of what is answered: they serialise the answers, and describe them in the OpenAPI document. */

const errorSchema = z
  .object({
    error: z
      .enum(ERROR_CODES)
      .describe('`invalid_parameter`: the fault of the request. `INTERNAL_SERVER_ERROR`: ours; try again.'),
    message: z.string().describe('Names the field or the call, and says what is wrong.'),
    call_id: z.string().optional().describe('The call, where one is concerned.'),
    reason: z.enum(UNAVAILABLE_REASONS).optional().describe('Of a 503: what cannot be reached.'),
  })
  .meta({ title: 'ErrorEntry' });

const cursor = z.string().nullable().describe('`cursor` of the next page; null on the last one.');

interface Documentation<T> {
  description: string;
  example: T;
  headers?: Record<string, object>;
}

/** Adds what the OpenAPI document says of an answer. `headers` is read by @fastify/swagger. */
const documented = <S extends z.ZodType>(schema: S, { description, example, headers }: Documentation<z.output<S>>): S =>
  schema.meta({ description, examples: [example], ...(headers && { headers }) });

/** `Webhook` as `WebhookAnswer` and the like. */
const envelope = <S extends z.ZodType>(schema: S, item: z.ZodType, suffix: string): S =>
  schema.meta({ title: `${item.meta()?.title}${suffix}` });

/** One thing; its schema has a title. */
export const single = <S extends z.ZodType>(data: S, { example, ...rest }: Documentation<z.output<S>>) =>
  documented(envelope(z.object({ data, errors: z.null() }), data, 'Answer'), {
    ...rest,
    example: { data: example, errors: null } as never,
  });

/** A page of a list of things; their schema has a title. */
export const page = <S extends z.ZodType>(item: S, { example, ...rest }: Documentation<z.output<S>[]>) =>
  documented(envelope(z.object({ data: z.array(item), errors: z.null(), next_cursor: cursor }), item, 'Page'), {
    ...rest,
    example: { data: example, errors: null, next_cursor: null } as never,
  });

const acceptedSchema = z
  .object({ data: z.array(webhookSchema), errors: z.array(errorSchema).nullable() })
  .meta({ title: 'WebhooksAnswer' });

/** Webhooks, and the calls of the request that have none: null when there is no such call. */
export const accepted = ({
  example,
  errors = null,
  ...rest
}: Documentation<z.output<typeof webhookSchema>[]> & { errors?: ErrorEntry[] | null }) =>
  documented(acceptedSchema, {
    ...rest,
    example: { data: example, errors },
  });

const failure = z.object({ data: z.null(), errors: z.array(errorSchema).min(1) }).meta({ title: 'Failure' });

const RETRY_AFTER = { 'retry-after': { type: 'integer', description: 'Seconds to wait before trying again.' } };

const fault = (description: string, message: string, headers?: Record<string, object>) =>
  refusal(description, [{ error: 'invalid_parameter', message }], headers);

const refusal = (description: string, errors: ErrorEntry[], headers?: Record<string, object>) =>
  documented(failure, { description, example: { data: null, errors }, ...(headers && { headers }) });

const INTERNAL = { error: 'INTERNAL_SERVER_ERROR' } as const;

/** Status 404. */
export const missing = (what: string) =>
  refusal(`There is no such ${what}, or it is another user's.`, [
    { error: 'NOT_FOUND', message: `There is no such ${what}.` },
  ]);

const FAILURES = {
  400: fault('The request is invalid.', 'call_ids[3] repeats "c-17"'),
  401: refusal('No API key, or an unknown one.', [
    { error: 'UNAUTHORIZED', message: 'The authorization header must hold a valid API key.' },
  ]),
  413: fault(
    'The body is larger than 2 MiB, or an order than 64 kB or 1,000 calls.',
    'The body is too large; send the calls in several requests.',
  ),
  415: fault(
    'The body is not declared as JSON, is compressed, or is not UTF-8 by its charset.',
    'The content-type must be application/json.',
  ),
  422: fault(
    'The Idempotency-Key came with another body before.',
    'Idempotency-Key was used for a different request; use a new key.',
  ),
  429: refusal(
    'Too many requests with this API key.',
    [{ error: 'RATE_LIMITED', message: 'This API key may make 500 requests a second.' }],
    RETRY_AFTER,
  ),
  500: refusal('Something unforeseen. The message names the request for the log.', [
    { ...INTERNAL, message: 'Something went wrong here; request 5f0b7a52-8e0c-4d27-9a3d-0d8f4bd6a0c1.' },
  ]),
  default: fault('Any other failure, such as one of HTTP itself.', 'The headers must have at most 16 kB in all.'),
  503: refusal(
    'The workflow service, its workers or the database cannot be reached. Nothing was accepted, unless the message says otherwise: try again.',
    [{ ...INTERNAL, message: 'The workflow service cannot be reached. Try again.', reason: 'temporal_unavailable' }],
    RETRY_AFTER,
  ),
} as const;

type FailureStatus = keyof typeof FAILURES;

/** Every path of the API can answer so. */
export const anyFailure = { default: FAILURES.default };

/** The failures that a route documents; 401, 429, 500, 503 and others can come from every one. */
export function failures<const S extends FailureStatus>(...statuses: S[]) {
  const all = [...statuses, 401, 429, 500, 503, 'default'] as const;
  return Object.fromEntries(all.map((status) => [status, FAILURES[status]])) as Record<
    S | 401 | 429 | 500 | 503 | 'default',
    typeof failure
  >;
}
