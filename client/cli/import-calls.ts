import { z } from 'zod';
import { checkCall } from '../../activities/call-record.js';
import { CallUnusableError } from '../../activities/call-sources/call-source.js';
import { callIdSchema, InvalidRequestError, parseOrThrow, userIdSchema } from '../../contract/index.js';
import type { CallRecord } from '../../store/store.js';

/** Calls in one statement. */
const CHUNK_SIZE = 500;

/** A line that was not imported, and why. */
export interface BadLine {
  line: number;
  message: string;
}

export interface ImportSummary {
  imported: number;
  bad: number;
}

/** A call and the line that it stands on. */
interface NumberedCall {
  line: number;
  call: CallRecord;
}

const OBJECT = { error: 'must be a JSON object: one call a line' };
const idSchema = z.looseObject({ call_id: callIdSchema }, OBJECT);
const ownerSchema = z.object({ user_id: userIdSchema });

/** The call on one line of JSON Lines, sent as the very text that stands there; a message when it is none that can be sent. */
export function parseCall(line: string, defaultUserId: string | undefined): CallRecord | string {
  try {
    const { call_id } = parseOrThrow(idSchema, JSON.parse(line));
    const user_id = checkCall(call_id, line).owner ?? defaultUserId;
    if (user_id === undefined) return 'has no user_id; add one, or name the owner of such lines with --user-id';
    return { call_id, ...parseOrThrow(ownerSchema, { user_id }), data: line };
  } catch (error) {
    return problemOf(error);
  }
}

function problemOf(error: unknown): string {
  if (error instanceof SyntaxError) {
    return `is not JSON: ${error.message}; write one call a line, without line breaks inside`;
  }
  if (error instanceof InvalidRequestError) {
    return error.problems.map(({ field, message }) => (field ? message : OBJECT.error)).join('; ');
  }
  if (error instanceof CallUnusableError) return error.message;
  throw error;
}

/** Imports the good lines in chunks and reports the bad ones; a call that comes twice is as it comes last. */
export async function importCalls(
  lines: AsyncIterable<string>,
  userId: string | undefined,
  upsert: (calls: CallRecord[]) => Promise<void>,
  onBadLine: (bad: BadLine) => void,
): Promise<ImportSummary> {
  const summary = { imported: 0, bad: 0 };
  const refuse = (bad: BadLine) => {
    summary.bad += 1;
    onBadLine(bad);
  };
  // One statement cannot replace a row twice.
  const chunk = new Map<string, NumberedCall>();
  const flush = async () => {
    summary.imported += await importChunk([...chunk.values()], upsert, refuse);
    chunk.clear();
  };
  let number = 0;
  for await (const line of lines) {
    number += 1;
    // A file written on Windows may begin with a byte order mark.
    const text = line.replace(/^\uFEFF/, '').trim();
    if (text === '') continue;
    const call = parseCall(text, userId);
    if (typeof call === 'string') refuse({ line: number, message: call });
    else chunk.set(JSON.stringify([call.user_id, call.call_id]), { line: number, call });
    if (chunk.size >= CHUNK_SIZE) await flush();
  }
  await flush();
  return summary;
}

/** Returns how many calls it imported. What the database refuses is imported line by line, so that only the lines at fault are left out. */
async function importChunk(
  calls: readonly NumberedCall[],
  upsert: (calls: CallRecord[]) => Promise<void>,
  refuse: (bad: BadLine) => void,
): Promise<number> {
  if (calls.length === 0) return 0;
  try {
    await upsert(calls.map(({ call }) => call));
    return calls.length;
  } catch (error) {
    // By name: only the commands that use the store load it.
    if (!(error instanceof Error) || error.name !== 'StoreQueryError') throw error;
    const [first] = calls;
    if (first && calls.length === 1) {
      refuse({ line: first.line, message: error.message });
      return 0;
    }
  }
  let imported = 0;
  for (const call of calls) imported += await importChunk([call], upsert, refuse);
  return imported;
}
