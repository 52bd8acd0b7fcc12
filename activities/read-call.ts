import { type CheckedCall, checkCall } from '../contract/call-record.js';
import { withTimeOut } from '../contract/time-out.js';
import type { Call, CallSource } from './call-sources/call-source.js';
import { CallSourceError, CallUnusableError } from './call-sources/call-source.js';
import type { ReadLimit } from './read-limit.js';

/** Also of a source that heeds no signal; the HTTP source's own limit is shorter. */
const READ_TIMEOUT_MS = 30_000;

/** What asking for a call brought. */
export type Reading =
  /** `ready`: false where the source still works on the record. */
  | { kind: 'read'; text: string; ready: boolean }
  /** There is no such call, or none yet, or it is another user's: these are never told apart. */
  | { kind: 'absent' }
  /** Final: the record can never be sent. */
  | { kind: 'unusable'; reason: string }
  /** The source cannot answer now. */
  | { kind: 'away'; reason: string; retry_after_ms: number };

export interface ReadOptions {
  source: CallSource;
  limit: ReadLimit;
  /** The owner of calls that name none; absent: the user who asks. */
  defaultUserId?: string;
  /** The top-level field that is `true` once the record is complete; absent: every record is. */
  readyField?: string;
}

/** Reads and checks one call for the user who asks. Never throws. */
export async function readCall(options: ReadOptions, callId: string, userId: string): Promise<Reading> {
  try {
    const call = await options.limit.run(() => getCall(options.source, callId));
    if (!call) return { kind: 'absent' };
    const checked = checkedCall(callId, call);
    if ((ownerOf(call, checked) ?? options.defaultUserId ?? userId) !== userId) return { kind: 'absent' };
    const { readyField } = options;
    return { kind: 'read', text: checked.text, ready: readyField === undefined || isTrue(checked.fields, readyField) };
  } catch (error) {
    if (error instanceof CallUnusableError) return { kind: 'unusable', reason: error.message };
    return { kind: 'away', reason: reasonOf(error), retry_after_ms: retryAfterOf(error) };
  }
}

function checkedCall(callId: string, call: Call): CheckedCall {
  if (String(call.call_id) === callId) return checkCall(callId, call.data);
  throw new CallUnusableError('the call source answered with another call');
}

/** Sources are written in JavaScript, too: a value that is neither text nor a number names no user. */
function ownerOf({ user_id }: { user_id?: unknown }, { owner }: CheckedCall): string | undefined {
  if (user_id === undefined || user_id === null) return owner;
  if (typeof user_id === 'string' || typeof user_id === 'number') return String(user_id);
  throw new CallUnusableError("the call source's user_id is neither a string nor a number");
}

const isTrue = (fields: Readonly<Record<string, unknown>>, name: string): boolean =>
  Object.hasOwn(fields, name) && fields[name] === true;

/** A message that is not ours may quote the call. */
const reasonOf = (error: unknown): string =>
  error instanceof CallSourceError
    ? error.message
    : `the call source failed: ${error instanceof Error ? error.name : 'unknown error'}`;

const retryAfterOf = (error: unknown): number => (error instanceof CallSourceError ? (error.retry_after_ms ?? 0) : 0);

/** Gives up after a time, whether the source heeds the signal or not. */
async function getCall(source: CallSource, callId: string): Promise<Call | undefined> {
  return withTimeOut(READ_TIMEOUT_MS, (signal) => source.getCall(callId, { signal }), {
    reason: () => new CallSourceError(`the call source did not answer within ${READ_TIMEOUT_MS} ms`),
  });
}
