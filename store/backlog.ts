import { integer, milliseconds, orNull } from './answer.js';
import type { Database } from './database.js';
import { plainStatement } from './statement.js';
import type { Backlog } from './store.js';

/** Webhooks that waited for an endpoint that was down are not overdue as soon as it is back. A new one counts as back. */
const RECOVERY = "interval '10 minutes'";

export const countStatement = plainStatement<[]>()(
  {
    pending: integer("(select count(*) from webhooks where status = 'pending')"),
    retrying: integer("(select count(*) from webhooks where status = 'retrying')"),
  },
  (answer) => `select ${answer}`,
);

/**
 * Its batch is not paused, and its endpoint neither down nor just back: two partial indexes hold these. `now()`, which indexes can be
 * searched by; each statement is a transaction of its own.
 */
export const overdueStatement = plainStatement<[]>()(
  { overdue_ms: orNull(milliseconds('now() - min(due)')) },
  (answer) => `
  select ${answer} from (
    select batch_id, endpoint, accepted_at as due from webhooks where status = 'pending'
    union all
    select batch_id, endpoint, greatest(next_attempt_at, not_before) from webhooks
    where status = 'retrying' and greatest(next_attempt_at, not_before) < now()
  ) as waiting
  where not exists (select from endpoints where key = waiting.endpoint and state <> 'up')
    and not exists (
      select from endpoints where key = waiting.endpoint and state = 'up' and since > now() - ${RECOVERY}
    )
    and batch_id not in (select batch_id from batches where paused_since is not null)`,
);

/** No webhook waits for an endpoint whose last batch has ended: it is not counted. */
export const downStatement = plainStatement<[]>()(
  { down: integer('count(*)'), longest_ms: orNull(milliseconds('clock_timestamp() - min(since)')) },
  (answer) => `
  select ${answer} from endpoints
  where state = 'down' and (
    key in (select endpoint from webhooks where status = 'retrying')
    or key in (select endpoint from webhooks where status = 'pending')
  )`,
);

/** Unsettled webhooks, and what holds them up: by three short statements, whose answers may be some milliseconds apart. */
export async function readBacklog(database: Database): Promise<Backlog> {
  const [[counts], [overdue], [endpoints]] = await Promise.all([
    database.run(countStatement, []),
    database.run(overdueStatement, []),
    database.run(downStatement, []),
  ]);
  return {
    pending: counts?.pending ?? 0,
    retrying: counts?.retrying ?? 0,
    oldest_overdue_ms: Math.max(0, overdue?.overdue_ms ?? 0),
    endpoints_down: endpoints?.down ?? 0,
    longest_endpoint_down_ms: Math.max(0, endpoints?.longest_ms ?? 0),
  };
}
