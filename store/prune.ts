import type { Database } from './database.js';
import { isThere } from './sql.js';
import { requestStatement } from './statement.js';

/** Batches and webhooks in one statement: each is a transaction of a moment. */
const BATCHES_AT_ONCE = 100;
const WEBHOOKS_AT_ONCE = 1_000;
/** What is left of a pruned batch keeps a reset from sending: longer than a Temporal server may keep its history. */
const KEEP_DAYS = 90;

interface PruneRequest {
  finished_before: number;
}

const columns = { finished_before: ['float8', ({ finished_before }: PruneRequest) => finished_before] } as const;

const OLD = `finished_at < to_timestamp(finished_before / 1000) and pruned_at is null`;

const countStatement = requestStatement<PruneRequest>(
  columns,
  (requests) => `
    select count(distinct batches.batch_id)::integer as batches, count(webhooks.id)::integer as webhooks
    from ${requests} join batches on ${OLD} left join webhooks on webhooks.batch_id = batches.batch_id`,
);

/** Oldest first. A batch is marked when none of its webhooks is left. */
const pruneStatement = requestStatement<PruneRequest>(
  columns,
  (requests) => `
    with request as materialized (select * from ${requests}),
    old as materialized (
      select batch_id from request join batches on ${OLD} order by finished_at limit ${BATCHES_AT_ONCE}
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
    select (select count(*) from marked)::integer as batches, (select count(*) from gone)::integer as webhooks`,
);

const forgetStatement = requestStatement<number>(
  { days: ['integer', (days) => days] },
  (requests) => `
    delete from batches using ${requests}
    where pruned_at is not null and pruned_at < clock_timestamp() - days * interval '1 day'`,
);

/** Endpoints that nothing was sent to since, nor waits for. */
const unusedStatement = requestStatement<PruneRequest>(
  columns,
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

interface Pruned {
  batches: number;
  webhooks: number;
}

/** Removes what finished batches have left, a chunk at a time. */
export async function prune(
  database: Database,
  { finished_before, dry_run = false }: { finished_before: Date; dry_run?: boolean },
): Promise<Pruned> {
  const request = { finished_before: finished_before.getTime() };
  const total: Pruned = { batches: 0, webhooks: 0 };
  if (dry_run) return (await database.query<Pruned, PruneRequest>(countStatement, [request]))[0] ?? total;
  for (;;) {
    const [pruned] = await database.query<Pruned, PruneRequest>(pruneStatement, [request]);
    if (!pruned || pruned.batches + pruned.webhooks === 0) break;
    total.batches += pruned.batches;
    total.webhooks += pruned.webhooks;
  }
  await database.query(unusedStatement, [request]);
  await database.query(forgetStatement, [KEEP_DAYS]);
  return total;
}
