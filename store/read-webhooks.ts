import { type SQL, sql } from 'drizzle-orm';
import type { FailedPage, FailedQuery, SendType, Webhook, WebhookStatus } from '../contract/index.js';
import { toAttempt } from './attempt.js';
import { decodeCallCursor, decodeFailureCursor, encodeCallCursor, encodeFailureCursor, toPage } from './cursor.js';
import type { Database } from './database.js';
import { epochMs, isoTime, isoTimeOrNull } from './sql.js';
import type { BatchWebhooksQuery } from './store.js';

type AttemptTuple = [
  sentAtMs: number,
  responseCode: number | null,
  responseTimeMs: number,
  sendType: SendType,
  error: string | null,
];

interface WebhookRow {
  call_id: string;
  payload: string;
  url: string;
  user_id: string;
  batch_id: string;
  status: WebhookStatus;
  reason: string | null;
  created_at_ms: number;
  next_attempt_at_ms: number | null;
  settled_at_ms: number | null;
  /** JSON array of tuples. */
  attempts: string;
}

/** What a webhook object is made of; `webhooks` must be in scope. `payload` is read as text: drivers would parse it. */
const webhookColumns: SQL = sql`
  webhooks.call_id, webhooks.payload::text as payload, webhooks.url, webhooks.user_id, webhooks.batch_id,
  webhooks.status, webhooks.reason, ${epochMs(sql`webhooks.created_at`)} as created_at_ms,
  ${epochMs(sql`webhooks.next_attempt_at`)} as next_attempt_at_ms,
  ${epochMs(sql`webhooks.settled_at`)} as settled_at_ms,
  (
    select coalesce(json_agg(
      json_build_array(${epochMs(sql`sent_at`)}, response_code, response_time_ms, send_type, error) order by seq
    ), '[]')::text
    from attempts where attempts.call_id = webhooks.call_id and finished_at is not null
  ) as attempts`;

function toWebhook(row: WebhookRow): Webhook {
  const attempts = JSON.parse(row.attempts) as AttemptTuple[];
  return {
    call_id: row.call_id,
    payload: JSON.parse(row.payload) as Record<string, unknown>,
    url: row.url,
    user_id: row.user_id,
    created_at: isoTime(row.created_at_ms),
    metadata: attempts.map(([sent_at_ms, response_code, response_time_ms, send_type, error]) =>
      toAttempt({ sent_at_ms, response_code, response_time_ms, send_type, error }),
    ),
    status: row.status,
    next_attempt_at: isoTimeOrNull(row.next_attempt_at_ms),
    batch_id: row.batch_id,
    reason: row.reason,
  };
}

export async function getWebhook(database: Database, userId: string, callId: string): Promise<Webhook | undefined> {
  const [row] = await database.rows<WebhookRow>(
    sql`select ${webhookColumns} from webhooks where call_id = ${callId} and user_id = ${userId}`,
  );
  return row && toWebhook(row);
}

/** Webhooks that the batch sends now, or that it sent before a later resend took them over. */
export async function listBatchWebhooks(database: Database, query: BatchWebhooksQuery) {
  const after = query.cursor === undefined ? '' : decodeCallCursor(query.cursor);
  const rows = await database.rows<WebhookRow>(sql`
    with sent as (
      select call_id from webhooks where batch_id = ${query.batch_id} and call_id > ${after}
      union
      select call_id from attempts where batch_id = ${query.batch_id} and call_id > ${after}
    )
    select ${webhookColumns} from sent join webhooks using (call_id)
    where user_id = ${query.user_id}
      ${query.status === undefined ? sql`` : sql`and status = ${query.status}`}
      ${query.call_ids === undefined ? sql`` : sql`and call_id = any(${sql.param(query.call_ids)}::text[])`}
    order by call_id limit ${query.limit + 1}`);
  const { page, next_cursor } = toPage(rows, query.limit, (row) => encodeCallCursor(row.call_id));
  return { webhooks: page.map(toWebhook), next_cursor };
}

/** `from ... limit` of the failed webhooks, oldest failure first; one row more than asked for tells whether there are more. */
function failedRows(query: FailedQuery): SQL {
  const after = query.cursor === undefined ? undefined : decodeFailureCursor(query.cursor);
  const position =
    after && sql`and (settled_at, call_id) > (to_timestamp(${after[0]}::float8 / 1000)::timestamptz(3), ${after[1]})`;
  return sql`from webhooks
    where user_id = ${query.user_id} and status = 'failed'
      and settled_at >= ${query.since}::timestamptz
      and settled_at < ${query.until === undefined ? sql`clock_timestamp()` : sql`${query.until}::timestamptz`}
      ${query.url === undefined ? sql`` : sql`and url = ${query.url}`}
      ${query.batch_id === undefined ? sql`` : sql`and batch_id = ${query.batch_id}`}
      ${position ?? sql``}
    order by settled_at, call_id limit ${query.limit + 1}`;
}

export async function listFailedWebhooks(database: Database, query: FailedQuery) {
  const rows = await database.rows<WebhookRow & { settled_at_ms: number }>(
    sql`select ${webhookColumns} ${failedRows(query)}`,
  );
  const { page, next_cursor } = toPage(rows, query.limit, (row) => encodeFailureCursor(row.settled_at_ms, row.call_id));
  return { webhooks: page.map(toWebhook), next_cursor };
}

interface FailedRow {
  call_id: string;
  batch_id: string;
  url: string;
  reason: string | null;
  settled_at_ms: number;
  attempts: number;
}

export async function listFailed(database: Database, query: FailedQuery): Promise<FailedPage> {
  const rows = await database.rows<FailedRow>(sql`
    select call_id, batch_id, url, reason, ${epochMs(sql`settled_at`)} as settled_at_ms, (
      select count(*)::integer from attempts where attempts.call_id = webhooks.call_id and finished_at is not null
    ) as attempts ${failedRows(query)}`);
  const { page, next_cursor } = toPage(rows, query.limit, (row) => encodeFailureCursor(row.settled_at_ms, row.call_id));
  const webhooks = page.map(({ settled_at_ms, ...webhook }) => ({ ...webhook, failed_at: isoTime(settled_at_ms) }));
  return { webhooks, next_cursor };
}
