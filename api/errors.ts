import { STATUS_CODES } from 'node:http';
import type { FastifyError } from 'fastify';
import {
  BatchNotFoundError,
  IdempotencyConflictError,
  InvalidRequestError,
  ServiceRefusedError,
  ServiceUnavailableError,
  WorkerUnavailableError,
} from '../client/index.js';
import { EncryptionKeyMissingError, StoreUnavailableError } from '../store/errors.js';

/** What `error` can be in an answer. */
export const ERROR_CODES = [
  'invalid_parameter',
  'NOT_FOUND',
  'UNAUTHORIZED',
  'RATE_LIMITED',
  'INTERNAL_SERVER_ERROR',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What cannot be reached, of a 503. */
export const UNAVAILABLE_REASONS = ['temporal_unavailable', 'database_unavailable', 'no_worker'] as const;
export type UnavailableReason = (typeof UNAVAILABLE_REASONS)[number];

export interface ErrorEntry {
  error: ErrorCode;
  message: string;
  /** Of a 503. */
  reason?: UnavailableReason;
  /** Set where one call of the request is concerned. */
  call_id?: string;
}

/** A request that is answered with `data: null` and these errors. Any other error is answered with 500 and tells nothing. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    readonly errors: ErrorEntry[],
    readonly headers: Record<string, string> = {},
  ) {
    super(errors.map(({ message }) => message).join('; '));
  }
}

/** The request is at fault; each message names the field and what is wrong. */
export const invalid = (status: number, ...messages: string[]): ApiError =>
  new ApiError(
    status,
    messages.map((message) => ({ error: 'invalid_parameter', message })),
  );

export const notJson = (): ApiError => invalid(415, 'The content-type must be application/json.');

/** The same for a thing that does not exist and for another user's, so that neither can be told from the other. */
export const notFound = (what: string): ApiError =>
  new ApiError(404, [{ error: 'NOT_FOUND', message: `There is no such ${what}.` }]);

export const unauthorized = (): ApiError =>
  new ApiError(
    401,
    [{ error: 'UNAUTHORIZED', message: 'The authorization header must hold a valid API key.' }],
    // RFC 9110, section 11.6.1: a 401 names at least one challenge.
    { 'www-authenticate': 'Bearer' },
  );

/** The plugin that counts requests sets Retry-After, unless `retryAfterSeconds` does. */
export const rateLimited = (message: string, retryAfterSeconds?: number): ApiError =>
  new ApiError(
    429,
    [{ error: 'RATE_LIMITED', message }],
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
  );

/** A service that restarts is back after a few seconds. */
const RETRY_AFTER_SECONDS = '2';

const unavailable = (reason: UnavailableReason, what: string): ApiError =>
  new ApiError(503, [{ error: 'INTERNAL_SERVER_ERROR', message: `${what} Try again.`, reason }], {
    'retry-after': RETRY_AFTER_SECONDS,
  });

/** After thirty seconds: the one 503 that may have been accepted. */
const UNKNOWN = 'The workflow service does not answer, and may have accepted the request.';

type ErrorClass<E extends Error> = abstract new (...args: never[]) => E;
type Row = (error: Error) => ApiError | undefined;

const row =
  <E extends Error>(type: ErrorClass<E>, answer: (error: E) => ApiError): Row =>
  (error) =>
    error instanceof type ? answer(error) : undefined;

/** The errors that routes let through, with their status. */
const TABLE: readonly Row[] = [
  row(ApiError, (error) => error),
  row(InvalidRequestError, ({ problems }) => invalid(400, ...problems.map(({ message }) => message))),
  row(BatchNotFoundError, () => notFound('batch')),
  row(IdempotencyConflictError, () => invalid(422, 'Idempotency-Key was used for a different request; use a new key.')),
  row(ServiceUnavailableError, ({ mayBeAccepted }) =>
    unavailable('temporal_unavailable', mayBeAccepted ? UNKNOWN : 'The workflow service cannot be reached.'),
  ),
  row(ServiceRefusedError, () => unavailable('temporal_unavailable', 'The workflow service refuses requests.')),
  row(WorkerUnavailableError, () => unavailable('no_worker', 'No worker answers.')),
  row(EncryptionKeyMissingError, () => unavailable('database_unavailable', 'A stored value cannot be decrypted now.')),
  row(StoreUnavailableError, () => unavailable('database_unavailable', 'The database cannot be reached.')),
];

/** Errors of Fastify itself, before a route is reached, that can be said better than by their status. */
const FRAMEWORK_ERRORS: Record<string, ApiError> = {
  FST_ERR_CTP_BODY_TOO_LARGE: invalid(413, 'The body is too large; send the calls in several requests.'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: notJson(),
  FST_ERR_CTP_INVALID_JSON_BODY: invalid(400, 'The body must be JSON.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: invalid(400, 'The body must have the length that content-length says.'),
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: notJson(),
  FST_ERR_BAD_URL: invalid(400, 'The path must be percent-encoded UTF-8.'),
};

/** Undefined for a fault of our own. */
export function toApiError(error: Error): ApiError | undefined {
  for (const answer of TABLE) {
    const known = answer(error);
    if (known) return known;
  }
  return 'code' in error ? frameworkError(error as FastifyError) : undefined;
}

function frameworkError({ code, statusCode: status = 500 }: FastifyError): ApiError | undefined {
  if (FRAMEWORK_ERRORS[code]) return FRAMEWORK_ERRORS[code];
  // No other error's status says anything of the request.
  if (!String(code).startsWith('FST_') || status >= 500) return undefined;
  if (status === 404) return notFound('path');
  return invalid(status, `The request cannot be answered: ${STATUS_CODES[status] ?? 'it is wrong'}.`);
}

/** The 500 for all that the tables do not name. */
export const internalError = (requestId: string): ApiError =>
  new ApiError(500, [{ error: 'INTERNAL_SERVER_ERROR', message: `Something went wrong here; request ${requestId}.` }]);
