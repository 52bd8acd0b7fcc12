import { decodeEndpointCursor, encodeEndpointCursor } from '../contract/cursor.js';
import type { Endpoint, EndpointState } from '../contract/index.js';
import { integer, milliseconds, orNull, type RowOf, text } from './answer.js';
import type { Database } from './database.js';
import { isoTime, isoTimeOrNull } from './sql.js';
import { plainStatement } from './statement.js';
import type { EndpointPage, EndpointsQuery } from './store.js';

const ANSWER = {
  key: text(),
  url: text(),
  state: text<EndpointState>(),
  since_ms: milliseconds('since'),
  waiting: integer('untried.count + tried.count'),
  answered_at_ms: orNull(milliseconds('answered_at')),
  response_code: orNull(integer()),
  error: orNull(text()),
  next_probe_at_ms: orNull(
    milliseconds(`case when failing_since is not null and tried.next_attempt_at is not null
      then least(tried.next_attempt_at, case when next_probe_at > clock_timestamp() then next_probe_at end) end`),
  ),
};

/** By their names the states are in order of their trouble: down, gone, up. */
const [FIRST_STATE, LAST_STATE] = ['down', 'up'] as const;

/** No webhook of a paused batch is tried. One row more than asked for tells whether there are more. */
const statement = plainStatement<
  [userId: string, from: string, upto: string, afterState: string, afterMs: number, afterKey: string, limit: number]
>()(
  ANSWER,
  (answer) => `
  with chosen as materialized (
    select * from endpoints
    where user_id = $1 and state between $2 and $3
      and (state, since, key) > ($4, to_timestamp($5::float8 / 1000)::timestamptz(3), $6)
    order by state, since, key limit $7
  ),
  paused as materialized (
    select batch_id from batches where user_id = $1 and paused_since is not null and finished_at is null
  )
  select ${answer}
  from chosen
  cross join lateral (
    select count(*)::integer as count from webhooks where webhooks.endpoint = key and webhooks.status = 'pending'
  ) untried
  cross join lateral (
    select count(*)::integer as count, min(next_attempt_at) filter (where batch_id not in (select batch_id from paused)) as next_attempt_at
    from webhooks where webhooks.endpoint = key and webhooks.status = 'retrying'
  ) tried
  order by state, since, key`,
);

/** A user's endpoints, a page at a time. One that changes its state meanwhile may be missed, or come twice. */
export async function listEndpoints(database: Database, query: EndpointsQuery): Promise<EndpointPage> {
  const { user_id, state, limit, cursor } = query;
  const [afterState, afterMs, afterKey] = cursor === undefined ? ['', 0, ''] : decodeEndpointCursor(cursor);
  const [from, upto] = [state ?? FIRST_STATE, state ?? LAST_STATE];
  const rows = await database.run(statement, [user_id, from, upto, afterState, afterMs, afterKey, limit + 1]);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    endpoints: page.map(toEndpoint),
    next_cursor: last && rows.length > page.length ? encodeEndpointCursor([last.state, last.since_ms, last.key]) : null,
  };
}

const toEndpoint = (row: RowOf<typeof ANSWER>): Endpoint => ({
  url: row.url,
  state: row.state,
  since: isoTime(row.since_ms),
  waiting: row.waiting,
  last_answer:
    row.answered_at_ms === null
      ? null
      : { at: isoTime(row.answered_at_ms), response_code: row.response_code, error: row.error },
  next_probe_at: isoTimeOrNull(row.next_probe_at_ms),
});
