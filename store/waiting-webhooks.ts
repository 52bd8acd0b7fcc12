import { answerList, orEmpty, orNull, text } from './answer.js';
import type { Database } from './database.js';
import { endpointRef } from './endpoint-ref.js';
import { isThere } from './sql.js';
import { requestStatement, requestTable } from './statement.js';
import type { ClaimedProbes, ProbeInterval, WaitingWebhook } from './store.js';

/** A delivery says little about a webhook that keeps failing where others are delivered: 2^20 s, 12 days, are longer than any schedule. */
const MAX_EXPONENT = 20;

/** One that has just failed is not yet known to its workflow. */
const NOT_YET_DUE = "next_attempt_at > clock_timestamp() + interval '1 second'";
/** Woken in vain, by a process that ended before it told the workflow, or nobody can send it now: to wake it once more does no harm. */
const OVERDUE = "next_attempt_at < clock_timestamp() - interval '1 minute'";

const longestWaiting = (endpoint: string, hasWaited: string, atMost: string, whichIs: string) => `
  select user_id, call_id, batch_id from webhooks
  where webhooks.endpoint = ${endpoint} and status = 'retrying' and ${whichIs} and ${hasWaited}
    and (not_before is null or not_before <= clock_timestamp())
    and not ${isThere('batches where batches.batch_id = webhooks.batch_id and batches.paused_since is not null')}
  order by waiting_since limit ${atMost} for update skip locked`;

/**
 * Those of an endpoint that have waited longest, are of no paused batch, and are not held by Retry-After. Overdue ones only where there are
 * not enough others: those that nobody can send stay the oldest. Both parts are read in this order, and no further than to the limit.
 */
const waitingAt = (endpoint: string, hasWaited: string, atMost: string) => `
  select * from (${longestWaiting(endpoint, hasWaited, atMost, NOT_YET_DUE)}) in_time
  union all
  select * from (${longestWaiting(endpoint, hasWaited, atMost, OVERDUE)}) overdue
  limit ${atMost}`;

const CLAIM = {
  call_id: text('webhooks.call_id'),
  batch_id: text('webhooks.batch_id'),
  workflow_id: text('batches.workflow_id'),
};

/** Due now, so that no other worker takes them. What a delivery wakes must have waited for longer the next time: probes do not count. */
const claimed = (wakes: 0 | 1) => `
  update webhooks set next_attempt_at = clock_timestamp(), wakes = wakes + ${wakes}
  from chosen join batches using (batch_id)
  where webhooks.user_id = chosen.user_id and webhooks.call_id = chosen.call_id
  returning ${answerList(CLAIM)}`;

interface WaitingRequest {
  user_id: string;
  url: string;
  limit: number;
}

const waitingStatement = requestStatement(
  requestTable<WaitingRequest>({
    endpoint: ['text', ({ user_id, url }) => endpointRef(user_id, url).key],
    at_most: ['integer', ({ limit }) => limit],
  }),
  CLAIM,
  (requests) => `
    with request as materialized (select * from ${requests}),
    chosen as materialized (${waitingAt(
      '(select endpoint from request)',
      `waiting_since <= clock_timestamp() - interval '1 second' * power(2, least(wakes, ${MAX_EXPONENT}))`,
      '(select at_most from request)',
    )}
    )
    ${claimed(1)}`,
);

/** Takes the longest waiting webhooks of one endpoint. `skip locked`: claims of several workers do not wait for each other. */
export function claimWaiting(database: Database, request: WaitingRequest): Promise<WaitingWebhook[]> {
  return database.query(waitingStatement, [request]);
}

/** A short absence ends soon, and its end is soon noticed; a long one is worth no more requests than one in `longest_ms`. */
const SHARE_OF_ABSENCE = 0.2;
/**
 * Endpoints that one look takes, those that have been due for longest. Their webhooks count as due from then on, and their workflows are
 * told one after the other: of few each hears soon, and few are lost with a process that ends meanwhile.
 */
const MAX_PROBES = 200;

/** Beyond the longest interval of a process, this much later was scheduled by one with a longer one, and not by one that looked just now. */
const FURTHER = "interval '1 minute'";

/**
 * A row for each endpoint that was due. Nothing is waited for: what another process holds is taken by the next look, and so is what may be
 * tried soon. An endpoint for which nobody waits any more is not looked at again until something fails there. Who waits since a moment ago
 * has noted an answer of the endpoint just before.
 */
const probeStatement = requestStatement(
  requestTable<ProbeInterval>({
    shortest: ['float8', ({ shortest_ms }) => shortest_ms],
    longest: ['float8', ({ longest_ms }) => longest_ms],
  }),
  {
    call_id: orNull(text('claimed.call_id')),
    batch_id: orEmpty(text('claimed.batch_id')),
    workflow_id: orEmpty(text()),
  },
  (requests, answer) => `
    with request as materialized (
      select shortest * interval '1 millisecond' as shortest, longest * interval '1 millisecond' as longest from ${requests}
    ),
    due as materialized (
      select key, failing_since, answered_at from endpoints
      where failing_since is not null
        and (next_probe_at <= (select clock_timestamp() + least(0.1 * shortest, interval '500 milliseconds') from request)
          or next_probe_at > (select clock_timestamp() + longest + ${FURTHER} from request)
          or next_probe_at is null and failing_since <= (select clock_timestamp() - shortest from request))
      order by next_probe_at nulls first limit ${MAX_PROBES} for no key update skip locked
    ),
    chosen as materialized (
      select due.*, oldest.*, call_id is not null or answered_at > clock_timestamp() - interval '1 minute'
        or ${isThere("webhooks where webhooks.endpoint = due.key and webhooks.status = 'retrying'")} as somebody_waits
      from due left join lateral (${waitingAt('due.key', "waiting_since <= clock_timestamp() - interval '1 second'", '1')}
      ) oldest on true
    ),
    scheduled as (
      update endpoints set
        failing_since = case when somebody_waits then chosen.failing_since end,
        next_probe_at = case when somebody_waits then clock_timestamp() + case
          when call_id is null then shortest
          else least(longest, greatest(shortest, ${SHARE_OF_ABSENCE} * (clock_timestamp() - chosen.failing_since)))
        end end
      from request, chosen where endpoints.key = chosen.key
    ),
    claimed as (${claimed(0)})
    select ${answer} from chosen left join claimed using (batch_id, call_id)`,
);

/**
 * Takes one webhook for each endpoint that fails. The next one is due after an interval that the process which takes it decides; what is
 * due later than the longest interval of this process was scheduled by one with another configuration, and is due.
 */
export async function claimProbes(database: Database, interval: ProbeInterval): Promise<ClaimedProbes> {
  const rows = await database.query(probeStatement, [interval]);
  return {
    webhooks: rows.flatMap(({ call_id, ...rest }) => (call_id === null ? [] : [{ call_id, ...rest }])),
    more: rows.length === MAX_PROBES,
  };
}
