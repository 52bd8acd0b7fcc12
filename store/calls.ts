import type { Database } from './database.js';
import type { Cipher } from './encryption/cipher.js';
import { callOwner } from './payloads.js';
import { requestStatement } from './statement.js';
import type { CallRecord } from './store.js';

/** Calls in one statement, and what they weigh: transcripts of some 100 KB each stay far below what a statement may hold. */
const CHUNK = 200;
const MAX_CHUNK_BYTES = 8_000_000;

interface SealedCall extends Pick<CallRecord, 'user_id' | 'call_id'> {
  sealed: string;
}

const statement = requestStatement<SealedCall>(
  {
    user_id: ['text', ({ user_id }) => user_id],
    call_id: ['text', ({ call_id }) => call_id],
    data: ['text', ({ sealed }) => sealed],
  },
  (requests) => `
    insert into calls (user_id, call_id, data) select user_id, call_id, data from ${requests} order by user_id, call_id
    on conflict (user_id, call_id) do update set data = excluded.data, imported_at = now()`,
);

/** Of several records for one call the last one counts. A webhook that has its text keeps it. */
export async function upsertCalls(database: Database, cipher: Cipher, records: readonly CallRecord[]): Promise<void> {
  const distinct = [...new Map(records.map((record) => [`${record.user_id}\n${record.call_id}`, record])).values()];
  let chunk: SealedCall[] = [];
  let bytes = 0;
  for (const { user_id, call_id, data } of distinct) {
    const sealed = cipher.seal(typeof data === 'string' ? data : JSON.stringify(data), callOwner({ user_id, call_id }));
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
