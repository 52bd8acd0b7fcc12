import {
  type CallStanding,
  type EndpointState,
  type FinalFailure,
  INTERRUPTED,
  type SendType,
  type WebhookStatus,
} from '../contract/index.js';
import { boolean, integer, milliseconds, orEmpty, orNull, type RowOf, text } from './answer.js';
import { toAttempt } from './attempt.js';
import type { Database } from './database.js';
import { NOTED_HEALTH } from './endpoint-health.js';
import { StoreQueryError } from './errors.js';
import { type AGAIN, LOCKED } from './passes.js';
import { isThere, storable } from './sql.js';
import { standingOf, standingTaken, wasDelivered } from './standing.js';
import { byPlace, requestStatement, requestTable } from './statement.js';
import type { CloseRequest, CloseResult } from './store.js';
import { IS_LOCKED, refColumns, UNLOCKED_ROWS } from './webhook-requests.js';

/** Of the request, joined with the attempt as it was and with what the CTEs have done. */
const ANSWER = {
  place: integer('request.place'),
  is_locked: boolean(IS_LOCKED),
  is_there: boolean('attempts.seq is not null'),
  /** Its attempts were removed with its payload. */
  is_erased: boolean('locked.erased_at is not null'),
  /** Another batch holds the webhook now. */
  is_other: orEmpty(boolean('locked.batch_id <> request.batch_id')),
  was_delivered: boolean(
    `(request.response_code between 200 and 299) is true or ${wasDelivered('attempts.webhook_id', 'request.batch_id')}`,
  ),
  /** Null when the webhook was removed. */
  status: orNull(text<WebhookStatus>('coalesce(moved.status, locked.status)')),
  failure: orNull(text<FinalFailure>('case when moved.status is null then locked.error else moved.error end')),
  due_in: orNull(milliseconds('coalesce(moved.next_attempt_at, locked.next_attempt_at) - clock_timestamp()')),
  sent_at_ms: orEmpty(milliseconds('attempts.sent_at')),
  send_type: orEmpty(text<SendType>('attempts.send_type')),
  response_code: orNull(
    integer('case when closed.seq is null then attempts.response_code else closed.response_code end'),
  ),
  response_time_ms: orEmpty(
    integer('case when closed.seq is null then attempts.response_time_ms else closed.response_time_ms end'),
  ),
  error: orNull(text('case when closed.seq is null then attempts.error else closed.error end')),
  endpoint_became: orNull(
    text<EndpointState>('select judged.state from judged where judged.place = request.place and judged.state <> was'),
  ),
};

type CloseRow = RowOf<typeof ANSWER>;

/**
 * An attempt that was closed as interrupted is amended by its own late end; any other closed one stays as it is. A 2xx makes any webhook of
 * the batch delivered. A failure moves only a webhook that still waits for this attempt, and neither a settled one nor one with a newer
 * attempt.
 */
const statement = requestStatement(
  requestTable<CloseRequest>({
    seq: ['bigint', ({ seq }) => seq],
    ...refColumns,
    response_code: ['integer', ({ response_code }) => response_code],
    response_time_ms: ['integer', ({ response_time_ms }) => Math.round(response_time_ms)],
    error: ['text', ({ error }) => (error === null ? null : storable(error))],
    endpoint_failed: ['boolean', ({ endpoint_failed }) => endpoint_failed],
    next_status: ['text', ({ next }) => next.status],
    failure: ['text', ({ next }) => (next.status === 'failed' ? next.error : null)],
    reason: ['text', ({ next }) => (next.status === 'failed' ? storable(next.reason) : null)],
    delay_ms: ['float8', ({ next }) => (next.status === 'retrying' ? next.delay_ms : null)],
    held_ms: ['float8', ({ next }) => (next.status === 'retrying' ? next.held_ms : 0)],
  }),
  ANSWER,
  (requests, answer) => `
    with request as materialized (select * from ${requests}),
    ${UNLOCKED_ROWS},
    closed as (
      update attempts set finished_at = clock_timestamp(), response_code = request.response_code,
        response_time_ms = request.response_time_ms, error = request.error
      from request join locked using (user_id, call_id)
      where attempts.seq = request.seq and attempts.webhook_id = locked.id
        and (attempts.finished_at is null
          or (attempts.error = '${INTERRUPTED}' and request.error is distinct from '${INTERRUPTED}'))
      returning attempts.*
    ),
    moved as (
      update webhooks set
        status = next_status,
        error = request.failure,
        reason = request.reason,
        step = webhooks.step + 1,
        interruptions = 0,
        interruptions_alone = 0,
        next_attempt_at = clock_timestamp() + delay_ms * interval '1 millisecond',
        not_before = case when held_ms > 0 then clock_timestamp() + held_ms * interval '1 millisecond' end,
        waiting_since = case when next_status = 'retrying' then clock_timestamp() end,
        settled_at = case when next_status <> 'retrying' then clock_timestamp() end
      from request join closed using (seq) join locked using (user_id, call_id)
      where webhooks.user_id = request.user_id and webhooks.call_id = request.call_id
        and locked.batch_id = request.batch_id and locked.status <> 'delivered'
        and (next_status = 'delivered' or (
          locked.status in ('pending', 'retrying')
          and not ${isThere('attempts newer where newer.webhook_id = locked.id and newer.seq > request.seq')}
        ))
      returning webhooks.user_id, webhooks.call_id, webhooks.status, webhooks.error, webhooks.next_attempt_at
    ),${NOTED_HEALTH}
    select ${answer}
    from request
    left join locked using (user_id, call_id)
    left join attempts on attempts.seq = request.seq
    left join closed on closed.seq = request.seq
    left join moved on moved.user_id = request.user_id and moved.call_id = request.call_id`,
);

/** Answers close requests for distinct webhooks, in one statement. */
export async function closeAttempts(
  database: Database,
  requests: readonly CloseRequest[],
): Promise<(CloseResult | Error | typeof AGAIN | typeof LOCKED)[]> {
  const rows = await database.query(statement, requests);
  return byPlace(requests.length, rows).map((row, index) => {
    if (row?.is_locked) return LOCKED;
    if (row?.is_erased && !row.is_there) return { attempt: null, standing: toStanding(row), endpoint_became: null };
    if (!row?.is_there) return new StoreQueryError(`there is no attempt ${requests[index]?.seq} of this call`);
    return { attempt: toAttempt(row), standing: toStanding(row), endpoint_became: row.endpoint_became };
  });
}

function toStanding({ is_other, was_delivered, status, failure, due_in }: CloseRow): CallStanding {
  if (is_other || status === null) return standingTaken(was_delivered);
  return standingOf(status, failure, due_in);
}
