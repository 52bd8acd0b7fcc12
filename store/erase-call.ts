import { failureMessage, type WebhookStatus } from '../contract/index.js';
import { boolean, float, integer, orNull, text } from './answer.js';
import type { Database } from './database.js';
import { epochMs } from './sql.js';
import { requestStatement, requestTable } from './statement.js';
import type { ErasedCall } from './store.js';
import { keyColumns, LOCKED_ROWS, type WebhookKey } from './webhook-requests.js';

const ANSWER = {
  was: orNull(text<WebhookStatus>('locked.status')),
  is: text<WebhookStatus>("coalesce(erased.status, 'failed')"),
  in_flight_ms: orNull(float(`select ${epochMs('deadline - clock_timestamp()')} from open`)),
  attempts: integer('select count(*) from removed'),
  call_record: boolean('(select count(*) from forgotten) > 0'),
};

const UNSETTLED = `locked.status in ('pending', 'retrying')`;

/** An attempt in flight stays until its end or its deadline: who sends it must find it to record how it ended. */
const statement = requestStatement(
  requestTable<WebhookKey & { reason: string }>({ ...keyColumns, reason: ['text', ({ reason }) => reason] }),
  ANSWER,
  (requests, answer) => `
    with request as materialized (select * from ${requests}),
    ${LOCKED_ROWS},
    open as materialized (
      select webhook_id, deadline from locked join attempts on attempts.webhook_id = locked.id
      where finished_at is null and deadline > clock_timestamp()
    ),
    erased as (
      update webhooks set payload = null, erased_at = coalesce(webhooks.erased_at, clock_timestamp()),
        status = case when ${UNSETTLED} then 'failed' else locked.status end,
        error = case when ${UNSETTLED} then 'CallErased' else locked.error end,
        reason = case when ${UNSETTLED} then request.reason else locked.reason end,
        settled_at = case when ${UNSETTLED} then clock_timestamp() else locked.settled_at end,
        next_attempt_at = null, not_before = null, waiting_since = null
      from request join locked using (user_id, call_id)
      where webhooks.user_id = request.user_id and webhooks.call_id = request.call_id
      returning webhooks.user_id, webhooks.call_id, webhooks.status
    ),
    removed as (
      delete from attempts using locked
      where attempts.webhook_id = locked.id and (finished_at is not null or deadline <= clock_timestamp())
      returning attempts.seq
    ),
    forgotten as (
      delete from calls using request where calls.user_id = request.user_id and calls.call_id = request.call_id
      returning calls.call_id
    )
    select ${answer}
    from request left join locked using (user_id, call_id) left join erased using (user_id, call_id)`,
);

export async function eraseCall(database: Database, call: WebhookKey): Promise<ErasedCall | undefined> {
  const request = { ...call, reason: failureMessage('CallErased', call.call_id) };
  const [row] = await database.query(statement, [request]);
  if (!row || (row.was === null && !row.call_record)) return undefined;
  const { was, is, in_flight_ms, attempts, call_record } = row;
  return { webhook: was === null ? null : { was, is, in_flight_ms }, attempts, call_record };
}
