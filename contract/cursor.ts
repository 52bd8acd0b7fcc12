import { z } from 'zod';
import { ENDPOINT_STATES, type EndpointState } from './batch.js';
import { InvalidRequestError } from './invalid-request.js';

/** A text that PostgreSQL cannot compare with a call ID is no cursor of ours. */
const callId = z.string().refine((text) => !text.includes('\0') && text.isWellFormed());
/** Of the years that ISO 8601 writes with four digits. */
const milliseconds = z.int().nonnegative().max(Date.parse('9999-12-31T23:59:59.999Z'));
const callCursor = z.tuple([callId]);
const endpointCursor = z.tuple([z.enum(ENDPOINT_STATES), milliseconds, z.string().regex(/^[0-9a-f]{16}$/)]);
const failureCursor = z.tuple([milliseconds, callId]);

export const CURSOR_RULE = 'must be the next_cursor of the page before';

/** Position in a list: the last row's sort key. Opaque to callers. */
const encode = (key: unknown[]): string => Buffer.from(JSON.stringify(key)).toString('base64url');

function decode<T>(schema: z.ZodType<T>, cursor: string): T {
  const parsed = parse(schema, cursor);
  if (parsed.success) return parsed.data;
  throw new InvalidRequestError([{ field: 'cursor', message: `cursor ${CURSOR_RULE}` }]);
}

const parse = <T>(schema: z.ZodType<T>, cursor: string) =>
  schema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()));

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export const encodeCallCursor = (callId: string): string => encode([callId]);
export const decodeCallCursor = (cursor: string): string => decode(callCursor, cursor)[0];

export const encodeFailureCursor = (failedAtMs: number, callId: string): string => encode([failedAtMs, callId]);
export const decodeFailureCursor = (cursor: string): [failedAtMs: number, callId: string] =>
  decode(failureCursor, cursor);

export type EndpointPosition = [state: EndpointState, sinceMs: number, key: string];
export const encodeEndpointCursor = (position: EndpointPosition): string => encode(position);
export const decodeEndpointCursor = (cursor: string): EndpointPosition => decode(endpointCursor, cursor);

/** Without decoding it: to pass it on. */
export const isFailureCursor = (cursor: string): boolean => parse(failureCursor, cursor).success;
