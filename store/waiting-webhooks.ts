import { answerList, text } from './answer.js';
import type { Database } from './database.js';
import { endpointRef } from './endpoint-ref.js';
import { isThere } from './sql.js';
import { requestStatement, requestTable } from './statement.js';
import type { WaitingWebhook } from './store.js';

/** A delivery says little about a webhook that keeps failing where others are delivered: 2^20 s, 12 days, are longer than any schedule. */
const MAX_EXPONENT = 20;

/** Waits, is of no batch that is paused, and is not held by Retry-After. */
const MAY_BE_TRIED = `webhooks.status = 'retrying'
  and webhooks.next_attempt_at > clock_timestamp() + interval '1 second'
  and (webhooks.not_before is null or webhooks.not_before <= clock_timestamp())
  and not ${isThere('batches where batches.batch_id = webhooks.batch_id and batches.paused_since is not null')}`;

const CLAIM = {
  call_id: text('webhooks.call_id'),
  batch_id: text('webhooks.batch_id'),
  workflow_id: text('batches.workflow_id'),
};

/** Due now, so that no other worker takes them, and not until they have waited again. */
const CLAIMED = `
  update webhooks set next_attempt_at = clock_timestamp(), wakes = wakes + 1
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
    ${CLAIMED}`,
);

/** Takes the longest waiting webhooks of one endpoint. `skip locked`: claims of several workers do not wait for each other. */
export function claimWaiting(database: Database, request: WaitingRequest): Promise<WaitingWebhook[]> {
  return database.query(waitingStatement, [request]);
}

/** A short absence ends soon, and its end is soon noticed; a long one is worth no more requests than one in `longest_ms`. */
const SHARE_OF_ABSENCE = 0.2;

interface ProbesRequest {
  /** Milliseconds. */
  shortest_ms: number;
  longest_ms: number;
}

/** Workers' clocks for their probes are not in step: one that is a little early counts. */
const probeStatement = requestStatement(
  requestTable<ProbesRequest>({
    shortest_ms: ['float8', ({ shortest_ms }) => shortest_ms],
    longest_ms: ['float8', ({ longest_ms }) => longest_ms],
  }),
  CLAIM,
  (requests) => `
    with request as materialized (select * from ${requests}),
    probed as (
      update endpoints set next_probe_at = clock_timestamp() + least(
        longest_ms * interval '1 millisecond',
        greatest(shortest_ms * interval '1 millisecond', ${SHARE_OF_ABSENCE} * (clock_timestamp() - failing_since)))
      from request
      where failing_since is not null
        and (next_probe_at is null or next_probe_at <= clock_timestamp() + 0.1 * shortest_ms * interval '1 millisecond')
        and ${isThere(`webhooks where webhooks.endpoint = endpoints.key and ${MAY_BE_TRIED}`)}
      returning endpoints.key
    ),
    chosen as materialized (
      select longest.* from probed cross join lateral (
        select user_id, call_id, batch_id from webhooks
        where webhooks.endpoint = probed.key and ${MAY_BE_TRIED}
        order by waiting_since limit 1 for update skip locked
      ) longest
    )
    ${CLAIMED}`,
);

/** Takes one webhook for each endpoint that fails, once in each interval, however many workers ask. */
export function claimProbes(database: Database, request: ProbesRequest): Promise<WaitingWebhook[]> {
  return database.query(probeStatement, [request]);
}
