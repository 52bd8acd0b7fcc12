import { z } from 'zod';
import { callIdSchema, problemsOf, userIdSchema } from '../../contract/index.js';
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

const lineSchema = z.looseObject(
  { call_id: callIdSchema, user_id: userIdSchema.nullish() },
  { error: 'must be a JSON object: one call a line' },
);

/** The call on one line of JSON Lines, sent as it stands there; a message when it is none. */
export function parseCall(line: string, defaultUserId: string | undefined): CallRecord | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return `is not JSON: ${(error as SyntaxError).message}; write one call a line, without line breaks inside`;
  }
  const parsed = lineSchema.safeParse(value);
  if (!parsed.success)
    return problemsOf(parsed.error, 'the line')
      .map(({ message }) => message)
      .join('; ');
  const userId = parsed.data.user_id ?? defaultUserId;
  if (userId === undefined) return 'has no user_id; add one, or name the owner of such lines with --user-id';
  return { call_id: parsed.data.call_id, user_id: userId, data: parsed.data };
}

/** Imports the good lines in chunks and reports the bad ones; a call that comes twice is as it comes last. */
export async function importCalls(
  lines: AsyncIterable<string>,
  userId: string | undefined,
  upsert: (calls: CallRecord[]) => Promise<void>,
  onBadLine: (bad: BadLine) => void,
): Promise<ImportSummary> {
  const summary = { imported: 0, bad: 0 };
  // One statement cannot replace a row twice.
  const chunk = new Map<string, CallRecord>();
  const flush = async () => {
    if (chunk.size > 0) await upsert([...chunk.values()]);
    summary.imported += chunk.size;
    chunk.clear();
  };
  let number = 0;
  for await (const line of lines) {
    number += 1;
    // A file written on Windows may begin with a byte order mark.
    const text = line.replace(/^\uFEFF/, '').trim();
    if (text === '') continue;
    const call = parseCall(text, userId);
    if (typeof call === 'string') {
      summary.bad += 1;
      onBadLine({ line: number, message: call });
      continue;
    }
    chunk.set(call.call_id, call);
    if (chunk.size >= CHUNK_SIZE) await flush();
  }
  await flush();
  return summary;
}
