import { type SQL, sql } from 'drizzle-orm';
import { INTERRUPTED } from '../contract/index.js';
import type { PayloadSource } from './store.js';

/** What a request that opens or settles says about its call. */
interface CallRequest {
  payload: PayloadSource;
}

export const payloadSource = ({ payload }: CallRequest): string => payload.from;
export const payloadText = ({ payload }: CallRequest): string | null => (payload.from === 'text' ? payload.json : null);

/**
 * CTE `state`: each row of CTE `request` (call_id, batch_id, user_id, send_type, source, ...) with its call's webhook and what
 * the call's attempts say. One snapshot: whoever writes on its grounds must find it unchanged, or ask again.
 */
export const stateCte: SQL = sql`state as materialized (
  select request.*,
    webhook.id as webhook_id, webhook.user_id as owner, webhook.batch_id as holder, webhook.status, webhook.reason,
    webhook.url as webhook_url, webhook.payload as webhook_payload,
    call.call_id is not null as has_call, call.data as call_data,
    history.*
  from request
  left join webhooks webhook on webhook.call_id = request.call_id
  left join calls call on request.source = 'calls' and call.call_id = request.call_id and call.user_id = request.user_id
  left join lateral (
    select
      count(*) filter (
        where batch_id = request.batch_id and finished_at is not null and error is distinct from ${INTERRUPTED}
      )::integer as step,
      min(sent_at) filter (where batch_id = request.batch_id) as first_sent_at,
      max(seq) filter (where batch_id = request.batch_id and response_code between 200 and 299) as delivered_seq,
      max(seq) filter (where finished_at is null) as open_seq,
      max(batch_id) filter (where finished_at is null) as open_batch,
      max(deadline) filter (where finished_at is null) as open_deadline
    from attempts where attempts.call_id = webhook.call_id
  ) history on true
)`;

/** The batch wants to create a webhook: what forbids it, for want of a payload or an owner. Null when nothing does. */
const withoutPayload: SQL = sql`case
  when send_type = 'resend' then 'webhook_not_found'
  when source = 'unknown' then 'needs_payload'
  when source = 'calls' and not has_call then 'call_not_found'
end`;

/**
 * CTE `decision`: each row of CTE `state` with its `outcome`. Another user's webhook is answered like a missing one as long as the
 * caller has not shown that the call is its own. `held` decides for a webhook that the batch holds, `resent` for one that it could
 * take over by a resend.
 */
export const decisionCte = ({ held, resent }: { held: SQL; resent: SQL }): SQL => sql`decision as materialized (
  select *, case
    when owner is null then coalesce(${withoutPayload}, 'create')
    when owner <> user_id then coalesce(${withoutPayload}, 'webhook_exists')
    when holder = batch_id then ${held}
    when delivered_seq is not null then 'delivered'
    when first_sent_at is not null then 'superseded'
    when send_type = 'create' then 'webhook_exists'
    else ${resent}
  end as outcome
  from state
)`;

/** `insert into webhooks ... select` for the decisions `create`, in an order that lets no two processes deadlock. */
export const createdCte = (columns: { status: SQL; reason: SQL; settledAt: SQL }): SQL => sql`created as (
  insert into webhooks (call_id, id, user_id, url, payload, batch_id, status, reason, created_at, settled_at)
  select call_id, new_id, user_id, new_url, coalesce(call_data, payload::json), batch_id,
    ${columns.status}, ${columns.reason}, clock_timestamp(), ${columns.settledAt}
  from decision where outcome = 'create' order by call_id
  on conflict (call_id) do nothing
  returning call_id, id, url, payload
)`;

/** Whether the webhook in a statement on `webhooks` is still to be sent. */
export const unsettled: SQL = sql`webhooks.status in ('pending', 'retrying')`;

/** `set ...` of a statement that settles webhooks without sending. */
export const settledAs = ({ status, reason }: { status: SQL; reason: SQL }): SQL => sql`set status = ${status},
  reason = ${reason}, settled_at = clock_timestamp(), next_attempt_at = null, not_before = null, waiting_since = null`;

/** Why a batch's part in a webhook is over when a later resend has taken it over. */
export const SUPERSEDED = 'a later resend took the webhook over';
