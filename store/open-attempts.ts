import { randomBytes } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { type AttemptRow, toAttempt } from './attempt.js';
import type { Database } from './database.js';
import { interruptAttempts } from './interrupt-attempts.js';
import { AGAIN } from './rounds.js';
import { byPlace, epochMs, isoTime, requestTable } from './sql.js';
import type { OpenRequest, OpenResult } from './store.js';
import { createdCte, decisionCte, payloadSource, payloadText, SUPERSEDED, stateCte } from './webhook-state.js';

/** How long past its timeout an attempt may be closed before it counts as interrupted. */
const GRACE_MS = 2_000;

/** `create`, `take_over` and `open` write; `expired` is an open attempt of another batch whose deadline has passed. */
type Outcome = 'create' | 'take_over' | 'open' | 'expired' | 'superseded' | Exclude<OpenResult['kind'], 'opened'>;

interface OpenRow extends AttemptRow {
  place: number;
  outcome: Outcome;
  opened_seq: string | null;
  opened_at_ms: number;
  first_sent_at_ms: number | null;
  step: number;
  webhook_id: string;
  url: string;
  payload: string;
  secrets: string | null;
  status: 'failed' | 'canceled';
  reason: string | null;
  delivered_seq: string | null;
  open_seq: string;
  remaining_ms: number;
}

const columns = {
  call_id: ['text', (request: OpenRequest) => request.call_id],
  batch_id: ['text', (request: OpenRequest) => request.batch_id],
  user_id: ['text', (request: OpenRequest) => request.user_id],
  send_type: ['text', (request: OpenRequest) => request.send_type],
  timeout_ms: ['float8', (request: OpenRequest) => request.timeout_ms + GRACE_MS],
  source: ['text', payloadSource],
  payload: ['text', payloadText],
  new_id: ['text', () => `msg_${randomBytes(18).toString('base64url')}`],
  new_url: ['text', (request: OpenRequest) => request.webhook_url ?? null],
} as const;

/** Answers open requests for distinct calls, in one statement. */
export async function openAttempts(
  database: Database,
  requests: readonly OpenRequest[],
): Promise<(OpenResult | typeof AGAIN)[]> {
  const rows = await database.rows<OpenRow>(sql`
    with request as materialized (select * from ${requestTable(requests, columns)}),
    ${stateCte},
    ${decisionCte({
      held: sql`case
        when status = 'delivered' then 'delivered'
        when open_batch = batch_id then 'open_elsewhere'
        when open_deadline > clock_timestamp() then 'webhook_in_progress'
        when open_seq is not null then 'expired'
        when status in ('failed', 'canceled') then 'settled'
        else 'open'
      end`,
      resent: sql`case
        when status in ('pending', 'retrying') or open_deadline > clock_timestamp() then 'webhook_in_progress'
        when open_seq is not null then 'expired'
        else 'take_over'
      end`,
    })},
    ${createdCte({ status: sql`'pending'`, reason: sql`null`, settledAt: sql`null` })},
    taken as (
      update webhooks set batch_id = decision.batch_id, status = 'pending', reason = null, next_attempt_at = null,
        not_before = null, waiting_since = null, wakes = 0, settled_at = null
      from decision
      where outcome = 'take_over' and webhooks.call_id = decision.call_id
        and webhooks.batch_id = decision.holder and webhooks.status = decision.status
      returning webhooks.call_id
    ),
    opened as (
      insert into attempts (call_id, batch_id, send_type, sent_at, deadline)
      select call_id, batch_id, send_type, now, now + timeout_ms * interval '1 millisecond'
      from (
        select decision.*, clock_timestamp() as now from decision
        left join created using (call_id)
        left join taken using (call_id)
        where outcome = 'open' or created.call_id is not null or taken.call_id is not null
        order by place
      ) allowed
      on conflict do nothing
      returning seq, call_id, sent_at
    )
    select decision.place::integer, outcome, step, decision.status, reason,
      opened.seq::text as opened_seq, ${epochMs(sql`opened.sent_at`)} as opened_at_ms,
      ${epochMs(sql`first_sent_at`)} as first_sent_at_ms,
      coalesce(webhook_id, created.id) as webhook_id, coalesce(webhook_url, created.url) as url,
      case when opened.seq is not null then coalesce(webhook_payload, created.payload)::text end as payload,
      case when opened.seq is not null then (
        select json_agg(secret order by seq desc)::text from signing_secrets
        where signing_secrets.user_id = decision.user_id and revoked_at is null
      ) end as secrets,
      delivered_seq::text, ${epochMs(sql`delivering.sent_at`)} as sent_at_ms, delivering.response_code,
      delivering.response_time_ms, delivering.send_type, delivering.error,
      open_seq::text, ${epochMs(sql`open_deadline - clock_timestamp()`)} as remaining_ms
    from decision
    left join opened using (call_id)
    left join created using (call_id)
    left join attempts delivering on outcome = 'delivered' and delivering.seq = delivered_seq`);

  const expired = rows.filter((row) => row.outcome === 'expired').map((row) => row.open_seq);
  await interruptAttempts(database, expired);
  return byPlace(requests.length, rows).map((row) => (row ? toResult(row) : AGAIN));
}

function toResult(row: OpenRow): OpenResult | typeof AGAIN {
  switch (row.outcome) {
    case 'create':
    case 'take_over':
    case 'open':
      return row.opened_seq === null ? AGAIN : opened(row, row.opened_seq);
    case 'expired':
      return AGAIN;
    case 'delivered':
      return row.delivered_seq === null ? AGAIN : { kind: 'delivered', attempt: toAttempt(row) };
    case 'settled':
      return { kind: 'settled', status: row.status, reason: row.reason ?? '' };
    case 'superseded':
      return { kind: 'settled', status: 'failed', reason: SUPERSEDED };
    case 'open_elsewhere':
      return { kind: 'open_elsewhere', seq: row.open_seq, remaining_ms: Math.ceil(row.remaining_ms) };
    case 'needs_payload':
    case 'call_not_found':
    case 'webhook_exists':
    case 'webhook_not_found':
    case 'webhook_in_progress':
      return { kind: row.outcome };
  }
}

function opened(row: OpenRow, seq: string): OpenResult {
  return {
    kind: 'opened',
    seq,
    webhook_id: row.webhook_id,
    url: row.url,
    payload: row.payload,
    sent_at: isoTime(row.opened_at_ms),
    step: row.step,
    first_sent_at: isoTime(row.first_sent_at_ms ?? row.opened_at_ms),
    secrets: JSON.parse(row.secrets ?? '[]') as string[],
  };
}
