import { z } from 'zod';
import { CallUnusableError, checkCall } from '../../contract/call-record.js';
import { callIdSchema, InvalidRequestError, parseOrThrow, userIdSchema } from '../../contract/index.js';
import type { CallRecord } from '../../store/store.js';
import type { Line } from './lines.js';

/** Calls that are kept in memory, and what they weigh. */
const CHUNK_SIZE = 500;
const CHUNK_LENGTH = 8_000_000;

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

/** The call on one line of JSON Lines, sent as the very text of the line; a message when it cannot be sent. */
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
  lines: AsyncIterable<Line>,
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
  let length = 0;
  const flush = async () => {
    summary.imported += await importChunk([...chunk.values()], upsert, refuse);
    chunk.clear();
    length = 0;
  };
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if ('problem' in line) {
      refuse({ line: number, message: line.problem });
      continue;
    }
    const text = line.text.trim();
    if (text === '') continue;
    const call = parseCall(text, userId);
    if (typeof call === 'string') refuse({ line: number, message: call });
    else {
      chunk.set(JSON.stringify([call.user_id, call.call_id]), { line: number, call });
      length += text.length;
    }
    if (chunk.size >= CHUNK_SIZE || length >= CHUNK_LENGTH) await flush();
  }
  await flush();
  return summary;
}

/**
 * Returns how many calls it imported. A chunk that the database refuses is imported line by line, so that only the lines at fault are left
 * out.
 */
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
