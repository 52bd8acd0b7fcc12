import { sql } from 'drizzle-orm';
import type { Database } from './database.js';
import { requestTable } from './sql.js';
import type { CallRecord } from './store.js';

/** Calls in one statement: transcripts of some 100 KB each stay far below what a statement may hold. */
const CHUNK = 200;

/** Of several records for one call the last one counts. A webhook that exists keeps the payload that it was created with. */
export async function upsertCalls(database: Database, records: readonly CallRecord[]): Promise<void> {
  const distinct = [...new Map(records.map((record) => [record.call_id, record])).values()];
  for (let start = 0; start < distinct.length; start += CHUNK) {
    await upsertChunk(database, distinct.slice(start, start + CHUNK));
  }
}

async function upsertChunk(database: Database, records: readonly CallRecord[]): Promise<void> {
  const request = requestTable(records, {
    call_id: ['text', (record) => record.call_id],
    user_id: ['text', (record) => record.user_id],
    data: ['text', (record) => JSON.stringify(record.data)],
  });
  await database.rows(sql`
    insert into calls (call_id, user_id, data) select call_id, user_id, data::json from ${request} order by call_id
    on conflict (call_id) do update set user_id = excluded.user_id, data = excluded.data, imported_at = now()`);
}
