import {
  type CallStanding,
  type FinalFailure,
  failureMessage,
  type Rejection,
  type SettleInput,
  type WebhookStatus,
} from '../contract/index.js';
import { boolean, integer, milliseconds, orNull, type RowOf, text } from './answer.js';
import type { Database } from './database.js';
import { isThere, storable } from './sql.js';
import { isInFlight, standingOf, standingTaken, wasDelivered } from './standing.js';
import { requestStatement, requestTable } from './statement.js';
import type { WebhookRef } from './store.js';
import { LOCKED_ROWS, refColumns } from './webhook-requests.js';

interface SettleRequest extends WebhookRef {
  status: 'failed' | 'canceled';
  error: FinalFailure;
  reason: string;
}

const STANDING = {
  place: integer(),
  standing: text<WebhookStatus | 'missing' | 'other' | 'in_flight'>(),
  error: orNull(text<FinalFailure>()),
  was_delivered: boolean(`standing = 'other' and ${wasDelivered('decision.webhook_id', 'decision.batch_id')}`),
};

/** Settles webhooks that have no attempt in flight. Answers those that stand otherwise. */
const settleStatement = requestStatement(
  requestTable<SettleRequest>({
    ...refColumns,
    new_status: ['text', ({ status }) => status],
    new_error: ['text', ({ error }) => error],
    new_reason: ['text', ({ reason }) => storable(reason)],
  }),
  STANDING,
  (requests, answer) => `
    with request as materialized (select * from ${requests}),
    ${LOCKED_ROWS},
    decision as materialized (
      select request.*, locked.id as webhook_id, locked.error, case
        when locked.id is null then 'missing'
        when locked.batch_id <> request.batch_id then 'other'
        when locked.status not in ('pending', 'retrying') then locked.status
        when ${isInFlight('locked.id')} then 'in_flight'
        else 'unsettled'
      end as standing
      from request left join locked using (user_id, call_id)
    ),
    settled as (
      update webhooks set status = new_status, error = new_error,
        reason = case when new_error = 'ScheduleUsedUp' then concat_ws('; last attempt: ', new_reason, (
          select coalesce(attempts.error, 'the endpoint answered ' || response_code) from attempts
          where attempts.webhook_id = webhooks.id order by seq desc limit 1
        )) else new_reason end,
        settled_at = clock_timestamp(),
        next_attempt_at = null, not_before = null, waiting_since = null
      from decision
      where standing = 'unsettled' and webhooks.user_id = decision.user_id and webhooks.call_id = decision.call_id
    )
    select ${answer} from decision where standing <> 'unsettled'`,
);

/** Settles webhooks of one batch without sending. */
export async function settleWebhooks(
  database: Database,
  { call_ids, ...rest }: SettleInput,
): Promise<[index: number, standing: CallStanding][]> {
  const requests = call_ids.map((call_id) => ({ ...rest, call_id, reason: failureMessage(rest.error, call_id) }));
  const rows = await database.query(settleStatement, requests);
  return rows.map((row) => [row.place - 1, toStanding(row)]);
}

/** Fails one unsettled webhook for good. */
export async function failWebhook(
  database: Database,
  request: WebhookRef & { error: FinalFailure; reason: string },
): Promise<CallStanding> {
  const [row] = await database.query(settleStatement, [{ ...request, status: 'failed' }]);
  return row ? toStanding(row) : { status: 'failed', error: request.error };
}

function toStanding({ standing, error, was_delivered }: RowOf<typeof STANDING>): CallStanding {
  switch (standing) {
    case 'missing':
      return { status: 'rejected', error: 'CallNotFound' };
    case 'other':
      return standingTaken(was_delivered);
    case 'in_flight':
      return { status: 'in_flight' };
    default:
      return standingOf(standing, error, null);
  }
}

const LEFT = {
  is_deleted: boolean('deleted.call_id is not null'),
  status: orNull(text<WebhookStatus>('webhooks.status')),
  error: orNull(text<FinalFailure>('webhooks.error')),
  is_other: orNull(boolean('webhooks.batch_id <> request.batch_id')),
  was_delivered: boolean(wasDelivered('webhooks.id', 'request.batch_id')),
  due_in: orNull(milliseconds('next_attempt_at - clock_timestamp()')),
};

const rejectStatement = requestStatement(
  requestTable<WebhookRef & { error: Rejection }>({
    ...refColumns,
    error: ['text', ({ error }) => error],
  }),
  LEFT,
  (requests, answer) => `
    with request as materialized (select * from ${requests}),
    deleted as (
      delete from webhooks using request
      where webhooks.user_id = request.user_id and webhooks.call_id = request.call_id
        and webhooks.batch_id = request.batch_id and webhooks.status = 'pending' and webhooks.payload is null
        and not ${isThere('attempts where attempts.webhook_id = webhooks.id')}
      returning webhooks.user_id, webhooks.call_id
    ),
    noted as (
      insert into rejections (batch_id, call_id, error)
      select request.batch_id, request.call_id, request.error from request join deleted using (user_id, call_id)
      on conflict do nothing
    )
    select ${answer} from request left join deleted using (user_id, call_id)
    left join webhooks on webhooks.user_id = request.user_id and webhooks.call_id = request.call_id`,
);

/** Deletes a webhook that has never been tried, and notes why its batch has none. */
export async function rejectWebhook(
  database: Database,
  request: WebhookRef & { error: Rejection },
): Promise<CallStanding> {
  const [row] = await database.query(rejectStatement, [request]);
  if (!row || row.is_deleted || row.status === null) return { status: 'rejected', error: request.error };
  if (row.is_other) return standingTaken(row.was_delivered);
  return standingOf(row.status, row.error, row.due_in);
}
