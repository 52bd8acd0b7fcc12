import { integer, text } from './answer.js';
import type { Database } from './database.js';
import type { Interruptions } from './interrupt-attempts.js';
import { isThere } from './sql.js';
import { requestStatement, requestTable } from './statement.js';

const unfinishedStatement = requestStatement(
  requestTable<string>({ workflow_id: ['text', (workflowId) => workflowId] }),
  { workflow_id: text(), batch_id: text() },
  (requests, answer) => `select ${answer} from ${requests} join batches using (workflow_id) where finished_at is null`,
);

/** Those of the workflows' batches that are not finished. */
export function findUnfinished(
  database: Database,
  workflowIds: readonly string[],
): Promise<{ workflow_id: string; batch_id: string }[]> {
  return database.query(unfinishedStatement, workflowIds);
}

interface EndedBatch {
  batch_id: string;
  reason: string;
}

const batch = { batch_id: ['text', ({ batch_id }: EndedBatch) => batch_id] } as const;

const expiredStatement = requestStatement(
  requestTable(batch),
  { seq: text() },
  (requests, answer) => `
    select ${answer} from ${requests} join webhooks using (batch_id) join attempts on attempts.webhook_id = webhooks.id
    where status in ('pending', 'retrying') and attempts.finished_at is null and deadline <= clock_timestamp()`,
);

/** The batch is finished when none of its webhooks is left; what no row tells of was taken over, and counts as failed. */
const failStatement = requestStatement(
  requestTable<EndedBatch>({ ...batch, reason: ['text', ({ reason }) => reason] }),
  { count: integer('count(*)') },
  (requests, answer) => `
    with request as materialized (select * from ${requests}),
    failed as (
      update webhooks set status = 'failed', error = 'BatchEnded', reason = request.reason, settled_at = clock_timestamp(),
        next_attempt_at = null, not_before = null, waiting_since = null
      from request
      where webhooks.batch_id = request.batch_id and webhooks.status in ('pending', 'retrying')
        and not ${isThere('attempts where attempts.webhook_id = webhooks.id and attempts.finished_at is null')}
      returning webhooks.batch_id
    ),
    standing as (
      select count(*) filter (where status = 'delivered') as delivered,
        count(*) filter (where status = 'canceled') as canceled,
        count(*) filter (where status in ('pending', 'retrying')) as unsettled
      from request join webhooks using (batch_id)
    ),
    finished as (
      update batches set finished_at = clock_timestamp(), counts = json_build_object(
        'total', total, 'pending', 0, 'retrying', 0, 'delivered', delivered, 'canceled', canceled,
        'rejected', rejected, 'failed', total - delivered - canceled - rejected
      )::text
      from request, standing, (select count(*) as rejected from request join rejections using (batch_id)) counted
      where batches.batch_id = request.batch_id and finished_at is null
        and unsettled = (select count(*) from failed)
    )
    select ${answer} from failed`,
);

/** Fails what a batch has left unsettled, but for webhooks with an attempt in flight. Returns how many it failed. */
export async function failUnsettled(
  database: Database,
  interruptions: Interruptions,
  request: EndedBatch,
): Promise<number> {
  const expired = await database.query(expiredStatement, [request]);
  await interruptions.interrupt(expired.map(({ seq }) => seq));
  const [failed] = await database.query(failStatement, [request]);
  return failed?.count ?? 0;
}
