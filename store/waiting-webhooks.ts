import { type SQL, sql } from 'drizzle-orm';
import type { Database } from './database.js';
import type { WaitingWebhook } from './store.js';

/**
 * A waiting webhook that may be tried before its time: due later than in a second, not held by Retry-After, and having waited
 * twice as long as before its last wake, up to 2^`maxExponent` seconds.
 */
const mayBeWoken = (maxExponent: number): SQL => sql`webhooks.status = 'retrying'
  and webhooks.next_attempt_at > clock_timestamp() + interval '1 second'
  and (webhooks.not_before is null or webhooks.not_before <= clock_timestamp())
  and webhooks.waiting_since <= clock_timestamp() - interval '1 second' * power(2, least(webhooks.wakes, ${maxExponent}))`;

/** A delivery says little about a webhook that keeps failing where others are delivered: 2^20 s, 12 days, are longer than any schedule. */
const AFTER_DELIVERY = 20;
/** An endpoint's return is noticed within 2^10 s, 17 minutes, also where a single webhook waits for it. */
const AS_PROBE = 10;

/** Due now, so that nobody else takes them, and not until they have waited again. */
const claim = (chosen: SQL): SQL => sql`
  with chosen as materialized (${chosen})
  update webhooks set next_attempt_at = clock_timestamp(), wakes = wakes + 1
  from chosen where webhooks.call_id = chosen.call_id
  returning webhooks.call_id, webhooks.batch_id`;

/** Takes the longest waiting webhooks of one endpoint. `skip locked`: claims of several workers do not wait for each other. */
export function claimWaiting(
  database: Database,
  { user_id, url, limit }: { user_id: string; url: string; limit: number },
): Promise<WaitingWebhook[]> {
  return database.rows(
    claim(sql`
      select call_id from webhooks
      where user_id = ${user_id} and md5(url) = md5(${url}) and url = ${url} and ${mayBeWoken(AFTER_DELIVERY)}
      order by waiting_since limit ${limit} for update skip locked`),
  );
}

/**
 * Takes one webhook for each endpoint that nobody will try soon. Endpoints are found by skipping from one to the next in the
 * index of what is due, which costs a few index reads for each endpoint, not one for each waiting webhook. A time long past
 * is not soon: a claim whose signal was lost, or a batch that is paused, must not keep others from probing.
 */
export function claimProbes(database: Database, { interval_ms }: { interval_ms: number }): Promise<WaitingWebhook[]> {
  const interval = sql`${interval_ms}::float8 * interval '1 millisecond'`;
  return database.rows(
    claim(sql`
      with recursive endpoint as (
        (select user_id, md5(url) as hash from webhooks where status = 'retrying'
          order by user_id, md5(url) limit 1)
        union all
        select next.* from endpoint cross join lateral (
          select user_id, md5(url) from webhooks where status = 'retrying'
            and (user_id, md5(url)) > (endpoint.user_id, endpoint.hash)
          order by user_id, md5(url) limit 1
        ) next
      )
      select longest.call_id from endpoint cross join lateral (
        select call_id from webhooks
        where webhooks.user_id = endpoint.user_id and md5(webhooks.url) = endpoint.hash and ${mayBeWoken(AS_PROBE)}
        order by waiting_since limit 1 for update skip locked
      ) longest
      where not exists (
        select from webhooks due
        where due.user_id = endpoint.user_id and md5(due.url) = endpoint.hash and due.status = 'retrying'
          and due.next_attempt_at between clock_timestamp() - ${interval} and clock_timestamp() + ${interval}
      )`),
  );
}
