import { integer, milliseconds, orNull } from './answer.js';
import type { Database } from './database.js';
import { isThere } from './sql.js';
import { plainStatement } from './statement.js';
import type { Backlog } from './store.js';

/** What an endpoint left waiting while it was down is not overdue at once when it is back. A new one counts as back. */
const RECOVERY = "interval '10 minutes'";

/** The batch is not paused, and the endpoint neither down nor just back. Hashed: looked up once, and not for each webhook. */
const MAY_BE_SENT = `batch_id not in (select batch_id from paused) and endpoint not in (select key from troubled)`;

/** `now()`, which indexes can be searched by; each statement is a transaction of its own. */
export const waitingStatement = plainStatement<[]>()(
  {
    pending: integer('pending.webhooks'),
    retrying: integer('retrying.webhooks'),
    overdue_ms: orNull(milliseconds('now() - least(pending.due, retrying.due)')),
  },
  (answer) => `
  with paused as materialized (select batch_id from batches where paused_since is not null),
  troubled as materialized (
    select key from endpoints where state <> 'up'
    union all
    select key from endpoints where state = 'up' and since > now() - ${RECOVERY}
  ),
  pending as (
    select count(*) as webhooks, min(accepted_at) filter (where ${MAY_BE_SENT}) as due
    from webhooks where status = 'pending'
  ),
  retrying as (
    select count(*) as webhooks, min(greatest(next_attempt_at, not_before)) filter (where ${MAY_BE_SENT}) as due
    from webhooks where status = 'retrying'
  )
  select ${answer} from pending, retrying`,
);

/** No webhook waits for an endpoint whose last batch has ended: it is not counted. */
export const downStatement = plainStatement<[]>()(
  { down: integer('count(*)'), longest_ms: orNull(milliseconds('clock_timestamp() - min(since)')) },
  (answer) => `
  select ${answer} from endpoints
  where state = 'down' and (
    ${isThere("webhooks where webhooks.endpoint = endpoints.key and webhooks.status = 'retrying'")}
    or ${isThere("webhooks where webhooks.endpoint = endpoints.key and webhooks.status = 'pending'")}
  )`,
);

/** What waits, and what keeps it from being sent. */
export async function readBacklog(database: Database): Promise<Backlog> {
  const [[waiting], [endpoints]] = await Promise.all([
    database.run(waitingStatement, []),
    database.run(downStatement, []),
  ]);
  return {
    pending: waiting?.pending ?? 0,
    retrying: waiting?.retrying ?? 0,
    oldest_overdue_ms: Math.max(0, waiting?.overdue_ms ?? 0),
    endpoints_down: endpoints?.down ?? 0,
    longest_endpoint_down_ms: Math.max(0, endpoints?.longest_ms ?? 0),
  };
}
