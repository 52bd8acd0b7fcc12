import { sql } from 'drizzle-orm';
import type { WebhookStatus } from '../contract/index.js';
import { type AttemptRow, toAttempt } from './attempt.js';
import type { Database } from './database.js';
import { StoreQueryError } from './errors.js';
import { byPlace, epochMs, requestTable } from './sql.js';
import type { AttemptState } from './store.js';

export interface ReadRequest {
  seq: string;
}

interface ReadRow extends AttemptRow {
  place: number;
  open: boolean;
  remaining_ms: number;
  status: WebhookStatus;
  reason: string | null;
  next_attempt_in_ms: number;
}

/** How attempts stand, in one statement. */
export async function readAttempts(
  database: Database,
  requests: readonly ReadRequest[],
): Promise<(AttemptState | Error)[]> {
  const rows = await database.rows<ReadRow>(sql`
    select request.place::integer, finished_at is null as open,
      ${epochMs(sql`deadline - clock_timestamp()`)} as remaining_ms,
      ${epochMs(sql`sent_at`)} as sent_at_ms, response_code, response_time_ms, send_type, error, status, reason,
      coalesce(greatest(${epochMs(sql`next_attempt_at - clock_timestamp()`)}, 0), 0) as next_attempt_in_ms
    from ${requestTable(requests, { seq: ['bigint', (request: ReadRequest) => request.seq] })}
    join attempts using (seq) join webhooks using (call_id)`);

  return byPlace(requests.length, rows).map((row, index) => {
    if (!row) return new StoreQueryError(`there is no attempt ${requests[index]?.seq}`);
    if (row.open) return { kind: 'open', remaining_ms: Math.ceil(row.remaining_ms) };
    const { status, reason, next_attempt_in_ms } = row;
    return {
      kind: 'closed',
      attempt: toAttempt(row),
      status,
      reason,
      next_attempt_in_ms: Math.ceil(next_attempt_in_ms),
    };
  });
}
