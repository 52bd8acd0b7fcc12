import type { Database } from './database.js';
import { requestStatement } from './statement.js';
import type { CallRecord } from './store.js';

/** Calls in one statement, and what they weigh: transcripts of some 100 KB each stay far below what a statement may hold. */
const CHUNK = 200;
const MAX_CHUNK_BYTES = 8_000_000;

const statement = requestStatement<CallRecord>(
  {
    user_id: ['text', ({ user_id }) => user_id],
    call_id: ['text', ({ call_id }) => call_id],
    data: ['text', ({ data }) => (typeof data === 'string' ? data : JSON.stringify(data))],
  },
  (requests) => `
    insert into calls (user_id, call_id, data) select user_id, call_id, data from ${requests} order by user_id, call_id
    on conflict (user_id, call_id) do update set data = excluded.data, imported_at = now()`,
);

/** Of several records for one call the last one counts. A webhook that has its text keeps it. */
export async function upsertCalls(database: Database, records: readonly CallRecord[]): Promise<void> {
  const distinct = [...new Map(records.map((record) => [`${record.user_id}\n${record.call_id}`, record])).values()];
  let chunk: CallRecord[] = [];
  let bytes = 0;
  for (const record of distinct) {
    const text = typeof record.data === 'string' ? record.data : JSON.stringify(record.data);
    if (chunk.length === CHUNK || (chunk.length > 0 && bytes + text.length > MAX_CHUNK_BYTES)) {
      await database.query(statement, chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push({ ...record, data: text });
    bytes += text.length;
  }
  if (chunk.length > 0) await database.query(statement, chunk);
}
