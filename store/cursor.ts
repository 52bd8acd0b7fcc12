import { z } from 'zod';
import { ENDPOINT_STATES, type EndpointState, InvalidRequestError } from '../contract/index.js';

/** What PostgreSQL could not compare with a call ID is none of ours. */
const callId = z.string().refine((text) => !text.includes('\0') && text.isWellFormed());
const callCursor = z.tuple([callId]);
const endpointCursor = z.tuple([z.enum(ENDPOINT_STATES), z.int().nonnegative(), z.string().regex(/^[0-9a-f]{16}$/)]);
const failureCursor = z.tuple([z.int().nonnegative(), callId]);

/** Position in a list: the last row's sort key. Opaque to callers. */
const encode = (key: unknown[]): string => Buffer.from(JSON.stringify(key)).toString('base64url');

function decode<T>(schema: z.ZodType<T>, cursor: string): T {
  const parsed = schema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()));
  if (parsed.success) return parsed.data;
  const message = 'cursor must be the next_cursor of the page before';
  throw new InvalidRequestError([{ field: 'cursor', message }]);
}

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
