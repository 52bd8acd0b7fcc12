import { answerList, text } from './answer.js';
import type { Database } from './database.js';
import { endpointRef } from './endpoint-ref.js';
import { isThere } from './sql.js';
import { requestStatement, requestTable } from './statement.js';
import type { ProbeInterval, WaitingWebhook } from './store.js';

/** A delivery says little about a webhook that keeps failing where others are delivered: 2^20 s, 12 days, are longer than any schedule. */
const MAX_EXPONENT = 20;

/**
 * Waits, is of no batch that is paused, and is not held by Retry-After. One that has been due for a minute was woken in vain, by a process
 * that ended before it told the workflow: to wake it once more does no harm. One that has just failed is not yet known to its workflow.
 */
const MAY_BE_TRIED = `webhooks.status = 'retrying'
  and (webhooks.next_attempt_at > clock_timestamp() + interval '1 second'
    or webhooks.next_attempt_at < clock_timestamp() - interval '1 minute')
  and webhooks.waiting_since <= clock_timestamp() - interval '1 second'
  and (webhooks.not_before is null or webhooks.not_before <= clock_timestamp())
  and not ${isThere('batches where batches.batch_id = webhooks.batch_id and batches.paused_since is not null')}`;

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
    chosen as materialized (
      select user_id, call_id, batch_id from webhooks
      where endpoint = (select endpoint from request) and ${MAY_BE_TRIED}
        and waiting_since <= clock_timestamp() - interval '1 second' * power(2, least(wakes, ${MAX_EXPONENT}))
      order by waiting_since limit (select at_most from request) for update skip locked
    )
    ${claimed(1)}`,
);

/** Takes the longest waiting webhooks of one endpoint. `skip locked`: claims of several workers do not wait for each other. */
export function claimWaiting(database: Database, request: WaitingRequest): Promise<WaitingWebhook[]> {
  return database.query(waitingStatement, [request]);
}

/** A short absence ends soon, and its end is soon noticed; a long one is worth no more requests than one in `longest_ms`. */
const SHARE_OF_ABSENCE = 0.2;
/** Endpoints that one look takes, those that have been due for longest: it must not take longer than a statement may. */
const MAX_PROBES = 1_000;

/** Beyond the longest interval of a process, this much later was scheduled by one with a longer one, and not by one that looked just now. */
const FURTHER = "interval '1 minute'";

/**
 * Nothing is waited for: what another process holds is taken by a later look. An endpoint for which nobody waits any more is not looked at
 * again until something fails there. Who waits since a moment ago has noted an answer of the endpoint just before.
 */
const probeStatement = requestStatement(
  requestTable<ProbeInterval>({
    shortest: ['float8', ({ shortest_ms }) => shortest_ms],
    longest: ['float8', ({ longest_ms }) => longest_ms],
  }),
  CLAIM,
  (requests) => `
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
      select oldest.* from due cross join lateral (
        select user_id, call_id, batch_id from webhooks
        where webhooks.endpoint = due.key and ${MAY_BE_TRIED}
        order by waiting_since limit 1 for update skip locked
      ) oldest
    ),
    scheduled as (
      update endpoints set
        next_probe_at = clock_timestamp()
          + least(longest, greatest(shortest, ${SHARE_OF_ABSENCE} * (clock_timestamp() - due.failing_since))),
        failing_since = case
          when due.answered_at > clock_timestamp() - interval '1 minute'
            or ${isThere("webhooks where webhooks.endpoint = due.key and webhooks.status = 'retrying'")}
          then due.failing_since end
      from due, request where endpoints.key = due.key
    )
    ${claimed(0)}`,
);

/**
 * Takes one webhook for each endpoint that fails. The next one is due after an interval that the process which takes it decides; what is
 * due later than the longest interval of this process was scheduled by one with another configuration, and is due.
 */
export function claimProbes(database: Database, interval: ProbeInterval): Promise<WaitingWebhook[]> {
  return database.query(probeStatement, [interval]);
}
