import { sql } from 'drizzle-orm';
import { INTERRUPTED, type WebhookStatus } from '../contract/index.js';
import { type AttemptRow, toAttempt } from './attempt.js';
import type { Database } from './database.js';
import { StoreQueryError } from './errors.js';
import { AGAIN } from './rounds.js';
import { byPlace, epochMs, requestTable, storable } from './sql.js';
import type { CloseRequest, CloseResult } from './store.js';
import { unsettled } from './webhook-state.js';

interface CloseRow extends AttemptRow {
  place: number;
  /** The statement closed the attempt, or amended it. */
  closed: boolean;
  /** The statement moved the webhook. */
  moved: boolean;
  status: WebhookStatus;
}

const columns = {
  seq: ['bigint', (request: CloseRequest) => request.seq],
  call_id: ['text', (request: CloseRequest) => request.call_id],
  batch_id: ['text', (request: CloseRequest) => request.batch_id],
  response_code: ['integer', (request: CloseRequest) => request.response_code],
  response_time_ms: ['integer', (request: CloseRequest) => Math.round(request.response_time_ms)],
  error: ['text', (request: CloseRequest) => (request.error === null ? null : storable(request.error))],
  next_status: ['text', ({ next }: CloseRequest) => next.status],
  reason: ['text', ({ next }: CloseRequest) => (next.status === 'failed' ? storable(next.reason) : null)],
  delay_ms: ['float8', ({ next }: CloseRequest) => (next.status === 'retrying' ? next.delay_ms : null)],
  held_ms: ['float8', ({ next }: CloseRequest) => (next.status === 'retrying' ? next.held_ms : 0)],
} as const;

/**
 * Answers close requests for distinct calls, in one statement. An attempt that was closed as interrupted is amended by its own
 * late end; any other closed one stays as it is. A 2xx makes any webhook of the batch delivered; a failure moves only a webhook
 * that still waits for this attempt: not one that is settled, nor one that has a newer attempt.
 */
export async function closeAttempts(
  database: Database,
  requests: readonly CloseRequest[],
): Promise<(CloseResult | Error | typeof AGAIN)[]> {
  const rows = await database.rows<CloseRow>(sql`
    with request as materialized (select * from ${requestTable(requests, columns)}),
    closed as (
      update attempts set finished_at = clock_timestamp(), response_code = request.response_code,
        response_time_ms = request.response_time_ms, error = request.error
      from request
      where attempts.seq = request.seq and attempts.call_id = request.call_id
        and (attempts.finished_at is null
          or (attempts.error = ${INTERRUPTED} and request.error is distinct from ${INTERRUPTED}))
      returning attempts.*
    ),
    moved as (
      update webhooks set
        status = next_status,
        reason = request.reason,
        next_attempt_at = clock_timestamp() + delay_ms * interval '1 millisecond',
        not_before = case when held_ms > 0 then clock_timestamp() + held_ms * interval '1 millisecond' end,
        waiting_since = case when next_status = 'retrying' then clock_timestamp() end,
        settled_at = case when next_status <> 'retrying' then clock_timestamp() end
      from request join closed using (seq)
      where webhooks.call_id = request.call_id and webhooks.batch_id = request.batch_id
        and webhooks.status <> 'delivered'
        and (next_status = 'delivered' or (
          ${unsettled}
          and not exists (select from attempts newer where newer.call_id = request.call_id and newer.seq > request.seq)
        ))
      returning webhooks.call_id, webhooks.status
    )
    select request.place::integer, closed.seq is not null as closed, moved.call_id is not null as moved,
      coalesce(moved.status, webhooks.status) as status,
      ${epochMs(sql`attempts.sent_at`)} as sent_at_ms, attempts.send_type,
      case when closed.seq is null then attempts.response_code else closed.response_code end as response_code,
      case when closed.seq is null then attempts.response_time_ms else closed.response_time_ms end as response_time_ms,
      case when closed.seq is null then attempts.error else closed.error end as error
    from request
    join attempts on attempts.seq = request.seq and attempts.call_id = request.call_id
    join webhooks on webhooks.call_id = request.call_id
    left join closed on closed.seq = request.seq
    left join moved on moved.call_id = request.call_id`);

  return byPlace(requests.length, rows).map((row, index) => {
    if (!row) return new StoreQueryError(`there is no attempt ${requests[index]?.seq} of this call`);
    // The webhook was left alone: the status in the statement's snapshot may be older than the reason.
    if (row.closed && !row.moved) return AGAIN;
    return { attempt: toAttempt(row), status: row.status };
  });
}
