import { sql } from 'drizzle-orm';
import { INTERRUPTED } from '../contract/index.js';
import type { Database } from './database.js';

/** Closes those of the attempts that are open past their deadline. Nobody knows when they ended: their whole time is taken. */
export async function interruptAttempts(database: Database, seqs: readonly string[]): Promise<void> {
  if (seqs.length === 0) return;
  await database.rows(sql`
    update attempts set finished_at = clock_timestamp(), error = ${INTERRUPTED},
      response_time_ms = round(extract(epoch from deadline - sent_at) * 1000)::integer
    where seq = any(${sql.param(seqs)}::bigint[]) and finished_at is null and deadline <= clock_timestamp()`);
}
