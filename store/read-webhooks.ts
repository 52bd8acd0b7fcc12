import { decodeCallCursor, decodeFailureCursor, encodeCallCursor, encodeFailureCursor } from '../contract/cursor.js';
import type { FailedPage, FailedQuery, SendType, StoredWebhook, WebhookStatus } from '../contract/index.js';
import { answerList, boolean, integer, milliseconds, orNull, type RowOf, text } from './answer.js';
import { toAttempt } from './attempt.js';
import type { Database } from './database.js';
import type { Cipher } from './encryption/cipher.js';
import { DamagedValueError, EncryptionKeyMissingError } from './errors.js';
import { callOwner } from './payloads.js';
import { epochMs, isoTime, isoTimeOrNull } from './sql.js';
import { byPlace, plainStatement, requestStatement, requestTable } from './statement.js';
import type { BatchWebhooksQuery, WebhookPage } from './store.js';
import { keyColumns, type WebhookKey } from './webhook-requests.js';

type AttemptTuple = [
  sentAtMs: number,
  responseCode: number | null,
  responseTimeMs: number,
  sendType: SendType,
  error: string | null,
];

/** The columns of a webhook; `webhooks` must be in scope. */
const WEBHOOK = {
  call_id: text('webhooks.call_id'),
  payload: orNull(text()),
  url: text(),
  user_id: text('webhooks.user_id'),
  batch_id: text('webhooks.batch_id'),
  status: text<WebhookStatus>(),
  reason: orNull(text()),
  created_at_ms: milliseconds('created_at'),
  next_attempt_at_ms: orNull(milliseconds('next_attempt_at')),
  settled_at_ms: orNull(milliseconds('settled_at')),
  /** JSON array of tuples. */
  attempts: text(`
    select coalesce(json_agg(
      json_build_array(${epochMs('sent_at')}, response_code, response_time_ms, attempts.send_type, attempts.error) order by seq
    ), '[]')
    from attempts where attempts.webhook_id = webhooks.id and attempts.finished_at is not null`),
};

type WebhookRow = RowOf<typeof WEBHOOK>;

/** `found`: how many rows there are for the page and one more, before those that are too large are left for the next. */
const IN_PAGE = { ...WEBHOOK, found: integer() };

/** Of payloads that one statement reads, unless it is one webhook's alone: a page ends before, and a shared answer leaves the rest out. */
const MAX_PAYLOAD_BYTES = 4_000_000;

/** Those of CTE `chosen` (user_id, call_id, place) that fit into a page. */
const PAGE = `
  measured as (
    select user_id, call_id, place, count(*) over () as found,
      coalesce(sum(octet_length(payload)) over (order by place rows between unbounded preceding and 1 preceding), 0) as before,
      coalesce(sum(octet_length(payload)) over (order by place), 0) as bytes
    from chosen join webhooks using (user_id, call_id)
  )
  select ${answerList(IN_PAGE)} from measured join webhooks using (user_id, call_id)
  where before = 0 or bytes <= ${MAX_PAYLOAD_BYTES} order by place`;

/** A row for each webhook that there is; without its payload where the group's before it are too large already. */
const SHARED = {
  ...WEBHOOK,
  place: integer(),
  fits: boolean(),
  payload: orNull(text('case when fits then payload end')),
};

const sharedStatement = requestStatement(
  requestTable<WebhookKey>(keyColumns),
  SHARED,
  (requests, answer) => `
    with measured as (
      select place, user_id, call_id, coalesce(sum(octet_length(payload)) over (order by place), 0) <= ${MAX_PAYLOAD_BYTES} as fits
      from ${requests} join webhooks using (user_id, call_id)
    )
    select ${answer} from measured join webhooks using (user_id, call_id)`,
);

/** Of a webhook that makes a shared answer too large: it is to be read alone. */
export const TOO_LARGE = Symbol('too large for a shared answer');

/** In the order of the keys; undefined where there is no webhook, an error where its payload cannot be decrypted. */
export async function getWebhooks(
  database: Database,
  cipher: Cipher,
  keys: readonly WebhookKey[],
): Promise<(StoredWebhook | typeof TOO_LARGE | Error | undefined)[]> {
  const rows = await database.query(sharedStatement, keys);
  return byPlace(keys.length, rows).map((row) => row && (row.fits ? webhookOrError(row, cipher) : TOO_LARGE));
}

function webhookOrError(row: WebhookRow, cipher: Cipher): StoredWebhook | Error {
  try {
    return toWebhook(row, cipher);
  } catch (error) {
    if (error instanceof EncryptionKeyMissingError || error instanceof DamagedValueError) return error;
    throw error;
  }
}

const oneStatement = plainStatement<[userId: string, callId: string]>()(
  WEBHOOK,
  (answer) => `select ${answer} from webhooks where user_id = $1 and call_id = $2`,
);

export async function getWebhook(
  database: Database,
  cipher: Cipher,
  { user_id, call_id }: WebhookKey,
): Promise<StoredWebhook | undefined> {
  const [row] = await database.run(oneStatement, [user_id, call_id]);
  return row && toWebhook(row, cipher);
}

/** Webhooks that the batch sends now, or that it sent before a later resend took them over. */
const batchStatement = plainStatement<
  [
    batchId: string,
    userId: string,
    after: string,
    status: string | null,
    callIds: readonly string[] | null,
    limit: number,
  ]
>()(
  IN_PAGE,
  () => `
  with sent as (
    select user_id, call_id from webhooks where batch_id = $1 and call_id > $3
    union
    select user_id, call_id from attempts join webhooks on webhooks.id = attempts.webhook_id
    where attempts.batch_id = $1 and webhooks.batch_id <> $1 and call_id > $3
  ),
  chosen as (
    select user_id, call_id, row_number() over (order by call_id) as place from sent join webhooks using (user_id, call_id)
    where user_id = $2 and ($4::text is null or status = $4) and ($5::text[] is null or call_id = any($5))
    order by call_id limit $6
  ),
  ${PAGE}`,
);

export async function listBatchWebhooks(
  database: Database,
  cipher: Cipher,
  query: BatchWebhooksQuery,
): Promise<WebhookPage> {
  const after = query.cursor === undefined ? '' : decodeCallCursor(query.cursor);
  const { batch_id, user_id, status = null, call_ids = null, limit } = query;
  const rows = await database.run(batchStatement, [batch_id, user_id, after, status, call_ids, limit + 1]);
  return toPage(rows, cipher, limit, ({ call_id }) => encodeCallCursor(call_id));
}

type FailedParameters = [
  userId: string,
  since: string,
  until: string | null,
  url: string | null,
  batchId: string | null,
  afterMs: number | null,
  afterCall: string,
  limit: number,
];

/** Failed webhooks, oldest failure first; one row more than asked for tells whether there are more. */
const FAILED = `
  from webhooks
  where user_id = $1 and status = 'failed'
    and (settled_at, call_id) > (coalesce(to_timestamp($6::float8 / 1000)::timestamptz(3), $2::timestamptz), $7)
    and settled_at < coalesce($3::timestamptz, clock_timestamp())
    and ($4::text is null or url = $4) and ($5::text is null or batch_id = $5)
  order by settled_at, call_id limit $8`;

const failedParameters = (query: FailedQuery): FailedParameters => {
  const { user_id, since, until = null, url = null, batch_id = null, limit, cursor } = query;
  const [afterMs, afterCall] = cursor === undefined ? [null, ''] : decodeFailureCursor(cursor);
  return [user_id, since, until, url, batch_id, afterMs, afterCall, limit + 1];
};

const failedWebhooksStatement = plainStatement<FailedParameters>()(
  IN_PAGE,
  () => `
  with chosen as (select user_id, call_id, row_number() over (order by settled_at, call_id) as place ${FAILED}),
  ${PAGE}`,
);

export async function listFailedWebhooks(database: Database, cipher: Cipher, query: FailedQuery): Promise<WebhookPage> {
  const rows = await database.run(failedWebhooksStatement, failedParameters(query));
  return toPage(rows, cipher, query.limit, ({ settled_at_ms, call_id }) =>
    encodeFailureCursor(settled_at_ms ?? 0, call_id),
  );
}

const failedStatement = plainStatement<FailedParameters>()(
  {
    call_id: text(),
    batch_id: text(),
    url: text(),
    reason: orNull(text()),
    settled_at_ms: milliseconds('settled_at'),
    attempts: integer(`select count(*) from attempts
      where attempts.webhook_id = webhooks.id and attempts.finished_at is not null`),
  },
  (answer) => `select ${answer} ${FAILED}`,
);

export async function listFailed(database: Database, query: FailedQuery): Promise<FailedPage> {
  const rows = await database.run(failedStatement, failedParameters(query));
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  return {
    webhooks: page.map(({ settled_at_ms, ...webhook }) => ({ ...webhook, failed_at: isoTime(settled_at_ms) })),
    next_cursor: last && rows.length > page.length ? encodeFailureCursor(last.settled_at_ms, last.call_id) : null,
  };
}

function toPage(
  rows: readonly RowOf<typeof IN_PAGE>[],
  cipher: Cipher,
  limit: number,
  cursorOf: (row: WebhookRow) => string,
): WebhookPage {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const webhooks = page.map((row) => toWebhook(row, cipher));
  return { webhooks, next_cursor: last && last.found > page.length ? cursorOf(last) : null };
}

function toWebhook(row: WebhookRow, cipher: Cipher): StoredWebhook {
  const attempts = JSON.parse(row.attempts) as AttemptTuple[];
  return {
    call_id: row.call_id,
    payload: row.payload === null ? null : cipher.open(row.payload, callOwner(row)),
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
