import type {
  CheckpointInput,
  Counts,
  EndpointProgress,
  EndpointState,
  Rejection,
  WebhookStatus,
} from '../contract/index.js';
import { boolean, integer, milliseconds, orNull, type RowOf, text } from './answer.js';
import type { Database } from './database.js';
import { epochMs, isoTime, isoTimeOrNull, isThere } from './sql.js';
import { requestStatement, requestTable } from './statement.js';
import type { EndpointChange, FirstAttempts, StoredBatch } from './store.js';

type BatchRecord = CheckpointInput['batches'][number];
type EndpointRecord = CheckpointInput['endpoints'][number];

const batchStatement = requestStatement(
  requestTable<BatchRecord>({
    batch_id: ['text', ({ batch_id }) => batch_id],
    counts: ['text', ({ counts }) => JSON.stringify(counts)],
    paused_ms: ['bigint', ({ paused_ms }) => Math.round(paused_ms)],
    paused_since: ['float8', ({ paused_since }) => paused_since],
    finished_at: ['float8', ({ finished_at }) => finished_at],
  }),
  {},
  (requests) => `
    update batches set counts = request.counts, paused_ms = request.paused_ms,
      paused_since = to_timestamp(request.paused_since / 1000),
      finished_at = coalesce(batches.finished_at, to_timestamp(request.finished_at / 1000))
    from ${requests} where batches.batch_id = request.batch_id`,
);

/** A workflow may take an endpoint for down after fewer failures than the statement that closes attempts, which notes all else of it. */
const endpointStatement = requestStatement(
  requestTable<EndpointRecord>({ key: ['text', ({ key }) => key] }),
  {
    user_id: text('endpoints.user_id'),
    url: text('endpoints.url'),
    state: text<EndpointState>('endpoints.state'),
  },
  (requests, answer) => `
    with changed as materialized (
      select key from ${requests} join endpoints using (key)
      where endpoints.state <> 'down' and failures > 0 order by key for no key update of endpoints
    )
    update endpoints set state = 'down', since = coalesce(failing_since, clock_timestamp()) from changed
    where endpoints.key = changed.key
    returning ${answer}`,
);

/** Records what workflows say of their batches and of endpoints. */
export async function checkpoint(
  database: Database,
  { batches, endpoints }: CheckpointInput,
): Promise<EndpointChange[]> {
  if (batches.length > 0) await database.query(batchStatement, batches);
  if (endpoints.length === 0) return [];
  return database.query(endpointStatement, endpoints);
}

/** JSON. */
const REJECTED = text(`
  select coalesce(json_agg(json_build_object('call_id', call_id, 'error', error) order by call_id), '[]')::text
  from rejections where rejections.batch_id = batches.batch_id`);

const firstAttemptsStatement = requestStatement(
  requestTable<string>({ batch_id: ['text', (batchId) => batchId] }),
  { batch_id: text(), rejected: REJECTED },
  (requests, answer) => `
    select ${answer}
    from ${requests} join batches using (batch_id)
    where registered = total
      and not ${isThere("webhooks where webhooks.batch_id = request.batch_id and status = 'pending'")}`,
);

export async function firstAttemptsMade(database: Database, batchIds: readonly string[]): Promise<FirstAttempts[]> {
  if (batchIds.length === 0) return [];
  const rows = await database.query(firstAttemptsStatement, batchIds);
  return rows.map(({ batch_id, rejected }) => ({
    batch_id,
    rejected: JSON.parse(rejected) as { call_id: string; error: Rejection }[],
  }));
}

const BATCH = {
  batch_id: text(),
  user_id: text('batches.user_id'),
  workflow_id: text(),
  total: integer(),
  registered: integer(),
  /** JSON. */
  counts: orNull(text()),
  accepted_at_ms: milliseconds('accepted_at'),
  finished_at_ms: orNull(milliseconds('finished_at')),
  paused: boolean('paused_since is not null'),
  rejected: REJECTED,
  /** JSON: numbers by status, of a batch that is not finished. */
  statuses: text(`coalesce((
    select json_object_agg(status, count) from (
      select status, count(*) from webhooks
      where webhooks.batch_id = request.batch_id and batches.finished_at is null group by status
    ) counted
  ), '{}')`),
  /** JSON: those in trouble. */
  endpoints: text(`coalesce((
    select json_agg(json_build_object('url', url, 'state', state, 'since', ${epochMs('since')}) order by url) from (
      select * from endpoints
      where endpoints.user_id = request.user_id and state <> 'up' and ${isThere(`webhooks
        where webhooks.batch_id = request.batch_id and webhooks.endpoint = endpoints.key
          and (endpoints.state = 'gone' or webhooks.status in ('pending', 'retrying'))`)}
      limit 100
    ) troubled
  ), '[]')`),
};

interface BatchKey {
  user_id: string;
  batch_id: string;
}

const readStatement = requestStatement(
  requestTable<BatchKey>({
    batch_id: ['text', ({ batch_id }) => batch_id],
    user_id: ['text', ({ user_id }) => user_id],
  }),
  BATCH,
  (requests, answer) => `select ${answer} from ${requests} join batches using (batch_id, user_id)`,
);

/** While a batch runs its counts are those of its webhooks, afterwards those that its workflow told at its end. */
export async function readBatch(database: Database, userId: string, batchId: string): Promise<StoredBatch | undefined> {
  const [row] = await database.query(readStatement, [{ user_id: userId, batch_id: batchId }]);
  if (!row) return undefined;
  const rejected_calls = JSON.parse(row.rejected) as StoredBatch['rejected_calls'];
  const endpoints = JSON.parse(row.endpoints) as (Omit<EndpointProgress, 'since'> & { since: number })[];
  return {
    batch_id: row.batch_id,
    user_id: row.user_id,
    workflow_id: row.workflow_id,
    accepted_at: isoTime(row.accepted_at_ms),
    finished_at: isoTimeOrNull(row.finished_at_ms),
    paused: row.paused,
    registered: row.registered === row.total,
    ...countsOf(row, rejected_calls.length),
    endpoints: endpoints.map(({ since, ...rest }) => ({ ...rest, since: isoTime(since) })),
    rejected_calls,
  };
}

/** What no row tells of any more was taken over by a later resend: it counts as failed for this batch. */
function countsOf(
  { total, registered, counts, finished_at_ms, statuses }: RowOf<typeof BATCH>,
  rejected: number,
): Counts {
  if (finished_at_ms !== null && counts !== null) return JSON.parse(counts) as Counts;
  const found = JSON.parse(statuses) as Partial<Record<WebhookStatus, number>>;
  const { pending = 0, retrying = 0, delivered = 0, failed = 0, canceled = 0 } = found;
  const taken = registered - rejected - pending - retrying - delivered - failed - canceled;
  return {
    total,
    pending: pending + total - registered,
    retrying,
    delivered,
    failed: failed + Math.max(0, taken),
    canceled,
    rejected,
  };
}
