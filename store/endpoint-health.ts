import { DEFAULT_DOWN_AFTER } from '../contract/index.js';
import { isThere } from './sql.js';

/** An endpoint that answers the same all the time is one row, and not to be written by every statement. */
const ANSWER_AGE = "interval '1 second'";

/**
 * CTEs that note what attempts of all batches tell of their endpoints. The attempts are those in CTE `closed` of CTE `request`, their
 * webhooks those in CTE `locked`. The last attempt counts: any answer brings an endpoint up, 410 means gone, and ten failures in a row mean
 * down. An attempt that failed by a fault of this process tells nothing. CTE `judged` has the rows that are written.
 */
export const NOTED_HEALTH = `
    evidence as materialized (
      select distinct on (locked.endpoint)
        locked.endpoint as key, locked.user_id, locked.url, request.place, request.response_code, request.error,
        case
          when next_status = 'delivered' then 'delivers'
          when request.response_code is not distinct from 410 then 'gone'
          when endpoint_failed then 'fails'
          else 'answers'
        end as kind,
        (count(*) filter (where endpoint_failed) over (partition by locked.endpoint))::integer as fails
      from request join closed using (seq) join locked using (user_id, call_id)
      where next_status = 'delivered' or endpoint_failed or request.response_code is not null
      order by locked.endpoint, next_status = 'delivered' desc, request.response_code is not distinct from 410 desc, endpoint_failed
    ),
    moment as materialized (select clock_timestamp() as now),
    judged as materialized (
      select evidence.*, moment.now, endpoints.state as was,
        case kind
          when 'fails' then case when endpoints.failures > 0 then coalesce(failing_since, moment.now) else moment.now end
          when 'answers' then case when endpoints.failures > 0 and failing_since is not null then moment.now else failing_since end
          when 'gone' then failing_since
        end as failing_since,
        case when kind = 'fails' then least(endpoints.failures + fails, ${DEFAULT_DOWN_AFTER}) else 0 end as failures,
        case
          when kind = 'gone' then 'gone'
          when kind <> 'fails' then 'up'
          when failures + fails >= ${DEFAULT_DOWN_AFTER} then 'down'
          else endpoints.state
        end as state
      from moment, evidence join endpoints using (key)
      where case kind
          when 'fails' then failures < ${DEFAULT_DOWN_AFTER}
          when 'gone' then state <> 'gone' or failures > 0
          when 'answers' then state <> 'up' or failures > 0
          else state <> 'up' or failures > 0 or failing_since is not null
        end
        or endpoints.response_code is distinct from evidence.response_code or endpoints.error is distinct from evidence.error
        or answered_at is null or answered_at <= moment.now - ${ANSWER_AGE}
      order by key for no key update of endpoints
    ),
    noted as (
      update endpoints set
        state = judged.state,
        since = case
          when judged.state = was then endpoints.since
          when judged.state = 'down' then judged.failing_since
          else judged.now
        end,
        failures = judged.failures,
        failing_since = judged.failing_since,
        next_probe_at = case when judged.failing_since = endpoints.failing_since then endpoints.next_probe_at end,
        answered_at = judged.now, response_code = judged.response_code, error = judged.error
      from judged where endpoints.key = judged.key
    ),
    discovered as (
      insert into endpoints (key, user_id, url, state, failures, failing_since, answered_at, response_code, error)
      select key, user_id, url, case when kind = 'gone' then 'gone' when kind = 'fails' and fails >= ${DEFAULT_DOWN_AFTER} then 'down' else 'up' end,
        case when kind = 'fails' then least(fails, ${DEFAULT_DOWN_AFTER}) else 0 end, case when kind = 'fails' then moment.now end,
        moment.now, response_code, error
      from moment, evidence where not ${isThere('endpoints where endpoints.key = evidence.key')}
      order by key
      on conflict do nothing
    )`;
