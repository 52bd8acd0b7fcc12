import { randomBytes } from 'node:crypto';
import type { Rejection } from '../contract/index.js';
import { answerList, boolean, integer, orNull, text } from './answer.js';
import { MAX_GROUPED_BYTES } from './payloads.js';
import { type CallRequest, callColumns } from './registration-rows.js';
import { isThere } from './sql.js';
import { isInFlight } from './standing.js';
import { requestStatement, requestTable } from './statement.js';

/** What a batch has got for one of its calls. Of CTE `decided`. */
const TAKEN = {
  place: integer('request.place'),
  /** Its part was registered by another process since the batch was read: nothing was done. */
  was_registered: boolean('decided.place is null'),
  error: orNull(text<Rejection>()),
  url: orNull(text()),
};

/**
 * The requests whose parts are not registered. Their batches stay locked, so that two processes that register the same part do not take
 * each other's rows for those of another batch.
 */
const NEW = `
  batch as materialized (
    select batch_id, registered, accepted_at from batches where batch_id in (select batch_id from request)
    order by batch_id for no key update
  ),
  fresh as materialized (select request.*, accepted_at from request join batch using (batch_id) where registered < upto)`;

/** What is noted of a batch with the calls that a statement has decided on (CTE `decided`: batch_id, call_id, error, upto). */
const NOTED = `
  noted as (
    insert into rejections (batch_id, call_id, error)
    select batch_id, call_id, error from decided where error is not null
    on conflict do nothing
  ),
  advanced as (
    update batches set registered = greatest(registered, part.upto)
    from (select batch_id, max(upto) as upto from decided group by batch_id) part
    where batches.batch_id = part.batch_id
  )
  select ${answerList(TAKEN)}
  from request left join decided using (place)`;

/** `calls`: the `calls` table says which calls there are, and what is sent. */
const createStatement = (calls: boolean) =>
  requestStatement(
    requestTable<CallRequest>({
      ...callColumns,
      new_id: ['text', () => `msg_${randomBytes(18).toString('base64url')}`],
      new_url: ['text', ({ webhook_url }) => webhook_url ?? null],
      endpoint: ['text', ({ endpoint }) => endpoint?.key ?? null],
    }),
    TAKEN,
    (requests) => `
      with request as materialized (select * from ${requests}),
      ${NEW},
      found as materialized (
        select fresh.*, ${calls ? 'calls.call_id is not null' : 'true'} as is_there,
          ${calls ? `case when octet_length(calls.data) <= ${MAX_GROUPED_BYTES} then calls.data end` : 'null'} as payload
        from fresh ${calls ? 'left join calls using (user_id, call_id)' : ''}
      ),
      created as (
        insert into webhooks (user_id, call_id, id, url, endpoint, payload, batch_id, status, created_at, accepted_at)
        select user_id, call_id, new_id, new_url, endpoint, payload, batch_id, 'pending', clock_timestamp(), accepted_at
        from found where is_there order by user_id, call_id
        on conflict (user_id, call_id) do nothing
        returning user_id, call_id
      ),
      decided as materialized (
        select found.place, batch_id, call_id, upto, new_url as url, case
          when created.call_id is not null then null
          when is_there or ${isThere(
            'webhooks where webhooks.user_id = found.user_id and webhooks.call_id = found.call_id',
          )} then 'WebhookExists'
          else 'CallNotFound'
        end as error
        from found left join created using (user_id, call_id)
      ),
      ${NOTED}`,
  );

export type TakeStatement = ReturnType<typeof createStatement>;
export const CREATE_FROM_TABLE = createStatement(true);
export const CREATE_FROM_SOURCE = createStatement(false);

/** Takes over webhooks that are settled, on the condition that was asked for. */
export const RESEND = requestStatement(
  requestTable<CallRequest>({ ...callColumns, only_failed: ['boolean', ({ only_failed }) => only_failed === true] }),
  TAKEN,
  (requests) => `
    with request as materialized (select * from ${requests}),
    ${NEW},
    locked as materialized (
      select webhooks.user_id, webhooks.call_id, webhooks.id, webhooks.url, webhooks.status, webhooks.erased_at
      from fresh join webhooks using (user_id, call_id)
      order by user_id, call_id for no key update of webhooks
    ),
    decided as materialized (
      select fresh.place, fresh.batch_id, fresh.user_id, fresh.call_id, upto, fresh.accepted_at, locked.url, case
        when locked.id is null then 'WebhookNotFound'
        when locked.erased_at is not null then 'WebhookErased'
        when locked.status in ('pending', 'retrying') or ${isInFlight('locked.id')} then 'WebhookInProgress'
        when only_failed and locked.status <> 'failed' then 'WebhookNotFailed'
      end as error
      from fresh left join locked using (user_id, call_id)
    ),
    taken as (
      update webhooks set batch_id = decided.batch_id, status = 'pending', error = null, reason = null, step = 0,
        interruptions = 0, interruptions_alone = 0, next_attempt_at = null, not_before = null, waiting_since = null,
        wakes = 0, settled_at = null, accepted_at = decided.accepted_at
      from decided
      where decided.error is null and webhooks.user_id = decided.user_id and webhooks.call_id = decided.call_id
    ),
    ${NOTED}`,
);
