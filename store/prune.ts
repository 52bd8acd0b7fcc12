import { integer, milliseconds, text } from './answer.js';
import type { Database } from './database.js';
import { isThere } from './sql.js';
import { requestStatement, requestTable } from './statement.js';
import type { Pruned } from './store.js';

/** Batches and webhooks in one statement: each is a transaction of a moment. */
const BATCHES_AT_ONCE = 500;
const WEBHOOKS_AT_ONCE = 1_000;
/** Rows of batches that were pruned long ago. */
const ROWS_AT_ONCE = 5_000;
/** Batches that are counted in one statement. */
const BATCHES_IN_PAGE = 500;
/** What is left of a pruned batch keeps a reset from sending: longer than a Temporal server may keep its history. */
const KEEP_DAYS = 90;

interface PruneRequest {
  finished_before: number;
}

const columns = { finished_before: ['float8', ({ finished_before }: PruneRequest) => finished_before] } as const;

/** By a value, not by a join: so the index gives the oldest first, and nothing is read but the chunk. */
const OLD = `pruned_at is null and finished_at < (select to_timestamp(finished_before / 1000) from request)`;

interface CountRequest extends PruneRequest {
  after_ms: number;
  after_batch: string;
}

/** A page of batches, in the order of the index. */
const countStatement = requestStatement(
  requestTable<CountRequest>({
    ...columns,
    after_ms: ['float8', ({ after_ms }) => after_ms],
    after_batch: ['text', ({ after_batch }) => after_batch],
  }),
  {
    batch_id: text(),
    finished_at_ms: milliseconds('finished_at'),
    webhooks: integer('select count(*) from webhooks where webhooks.batch_id = old.batch_id'),
  },
  (requests, answer) => `
    with request as materialized (select * from ${requests}),
    old as materialized (
      select batch_id, finished_at from batches where ${OLD} and (finished_at, batch_id) >
        ((select to_timestamp(after_ms / 1000)::timestamptz(3) from request), (select after_batch from request))
      order by finished_at, batch_id limit ${BATCHES_IN_PAGE}
    )
    select ${answer} from old order by finished_at, batch_id`,
);

/** Oldest first. A batch is marked when none of its webhooks is left. */
export const pruneStatement = requestStatement(
  requestTable<PruneRequest>(columns),
  { batches: integer('select count(*) from marked'), webhooks: integer('select count(*) from gone') },
  (requests, answer) => `
    with request as materialized (select * from ${requests}),
    old as materialized (
      select batch_id from batches where ${OLD} order by finished_at, batch_id limit ${BATCHES_AT_ONCE}
    ),
    chosen as materialized (
      select webhooks.id, user_id, call_id, batch_id from old join webhooks using (batch_id)
      limit ${WEBHOOKS_AT_ONCE} for no key update of webhooks skip locked
    ),
    gone_attempts as (delete from attempts using chosen where attempts.webhook_id = chosen.id),
    gone as (
      delete from webhooks using chosen
      where webhooks.user_id = chosen.user_id and webhooks.call_id = chosen.call_id and webhooks.batch_id = chosen.batch_id
      returning webhooks.batch_id
    ),
    marked as (
      update batches set pruned_at = clock_timestamp() from old
      where batches.batch_id = old.batch_id and not ${isThere(
        'webhooks where webhooks.batch_id = old.batch_id and webhooks.id not in (select id from chosen)',
      )}
      returning batches.batch_id
    ),
    forgotten as (delete from rejections using marked where rejections.batch_id = marked.batch_id)
    select ${answer}`,
);

const forgetStatement = requestStatement(
  requestTable<number>({ days: ['integer', (days) => days] }),
  { batch_id: text('batches.batch_id') },
  (requests, answer) => `
    with old as materialized (
      select batch_id from batches
      where pruned_at is not null and pruned_at < (select clock_timestamp() - days * interval '1 day' from ${requests})
      order by pruned_at limit ${ROWS_AT_ONCE}
    )
    delete from batches using old where batches.batch_id = old.batch_id returning ${answer}`,
);

/** Endpoints that nothing was sent to since, nor waits for. */
const unusedStatement = requestStatement(
  requestTable<PruneRequest>(columns),
  {},
  (requests) => `
    with unused as materialized (
      select key from ${requests} join endpoints on used_at < to_timestamp(finished_before / 1000)
      where coalesce(answered_at, used_at) < to_timestamp(finished_before / 1000)
        and not ${isThere("webhooks where webhooks.endpoint = endpoints.key and webhooks.status = 'pending'")}
        and not ${isThere("webhooks where webhooks.endpoint = endpoints.key and webhooks.status = 'retrying'")}
      order by key for update of endpoints
    )
    delete from endpoints using unused where endpoints.key = unused.key`,
);

/** Removes a chunk of what finished batches have left; nothing is left when it answers zeros. */
export async function pruneSome(database: Database, { finished_before }: { finished_before: Date }): Promise<Pruned> {
  const request = { finished_before: finished_before.getTime() };
  const [pruned = NONE] = await database.query(pruneStatement, [request]);
  if (pruned.batches + pruned.webhooks === 0) await tidy(database, request);
  return pruned;
}

/** Useless once webhooks are gone. */
async function tidy(database: Database, request: PruneRequest): Promise<void> {
  await database.query(unusedStatement, [request]);
  while ((await database.query(forgetStatement, [KEEP_DAYS])).length === ROWS_AT_ONCE);
}

/** Removes all that finished batches have left, a chunk at a time, or counts it. */
export async function prune(
  database: Database,
  { finished_before, dry_run = false }: { finished_before: Date; dry_run?: boolean },
): Promise<Pruned> {
  if (dry_run) return count(database, finished_before.getTime());
  const total = { ...NONE };
  for (;;) {
    const { batches, webhooks } = await pruneSome(database, { finished_before });
    if (batches + webhooks === 0) return total;
    total.batches += batches;
    total.webhooks += webhooks;
  }
}

const NONE: Readonly<Pruned> = { batches: 0, webhooks: 0 };

async function count(database: Database, finished_before: number): Promise<Pruned> {
  const total = { ...NONE };
  let after = { after_ms: 0, after_batch: '' };
  for (;;) {
    const rows = await database.query(countStatement, [{ finished_before, ...after }]);
    const last = rows.at(-1);
    if (!last) return total;
    after = { after_ms: last.finished_at_ms, after_batch: last.batch_id };
    total.batches += rows.length;
    for (const { webhooks } of rows) total.webhooks += webhooks;
  }
}
