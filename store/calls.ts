import { z } from 'zod';
import { CallUnusableError, checkCall } from '../contract/call-record.js';
import { callIdSchema, InvalidRequestError, type Problem, parseOrThrow, userIdSchema } from '../contract/index.js';
import type { Database } from './database.js';
import type { Cipher } from './encryption/cipher.js';
import { callOwner } from './payloads.js';
import { requestStatement, requestTable } from './statement.js';
import type { CallRecord } from './store.js';

/** Calls in one statement, and what they weigh: transcripts of some 100 KB each stay far below what a statement may hold. */
const CHUNK = 200;
const MAX_CHUNK_BYTES = 8_000_000;

const MAX_PROBLEMS = 20;
const idsSchema = z.object({ call_id: callIdSchema, user_id: userIdSchema });

interface SealedCall extends Pick<CallRecord, 'user_id' | 'call_id'> {
  sealed: string;
}

const statement = requestStatement(
  requestTable<SealedCall>({
    user_id: ['text', ({ user_id }) => user_id],
    call_id: ['text', ({ call_id }) => call_id],
    data: ['text', ({ sealed }) => sealed],
  }),
  {},
  (requests) => `
    insert into calls (user_id, call_id, data) select user_id, call_id, data from ${requests} order by user_id, call_id
    on conflict (user_id, call_id) do update set data = excluded.data, imported_at = now()`,
);

/** The records with their texts. Throws `InvalidRequestError` with a problem for each that cannot be sent; nothing is stored then. */
function checkedCalls(records: readonly CallRecord[]): (CallRecord & { text: string })[] {
  const problems: Problem[] = [];
  const checked = records.flatMap((record, index) => {
    try {
      const { call_id, user_id } = parseOrThrow(idsSchema, record);
      return [{ ...record, text: checkCall(call_id, record.data).text, user_id }];
    } catch (error) {
      problems.push(...problemsIn(error, `calls[${index}]`));
      return [];
    }
  });
  if (problems.length > 0) throw new InvalidRequestError(problems.slice(0, MAX_PROBLEMS));
  return checked;
}

function problemsIn(error: unknown, field: string): Problem[] {
  if (error instanceof CallUnusableError)
    return [{ field: `${field}.data`, message: `${field}.data: ${error.message}` }];
  if (!(error instanceof InvalidRequestError)) throw error;
  return error.problems.map((problem) => ({
    field: `${field}.${problem.field}`,
    message: `${field}.${problem.message}`,
  }));
}

/** Of several records for one call the last one counts. A webhook that has its text keeps it. */
export async function upsertCalls(database: Database, cipher: Cipher, records: readonly CallRecord[]): Promise<void> {
  const distinct = [
    ...new Map(checkedCalls(records).map((record) => [`${record.user_id}\n${record.call_id}`, record])).values(),
  ];
  let chunk: SealedCall[] = [];
  let bytes = 0;
  for (const { user_id, call_id, text } of distinct) {
    const sealed = cipher.seal(text, callOwner({ user_id, call_id }));
    if (chunk.length === CHUNK || (chunk.length > 0 && bytes + sealed.length > MAX_CHUNK_BYTES)) {
      await database.query(statement, chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push({ user_id, call_id, sealed });
    bytes += sealed.length;
  }
  if (chunk.length > 0) await database.query(statement, chunk);
}
