import { sql } from 'drizzle-orm';
import type { Database } from './database.js';
import { interruptAttempts } from './interrupt-attempts.js';
import { settledAs, unsettled } from './webhook-state.js';

/** Those of the batches that have webhooks which are to be sent. */
export async function findUnsettled(database: Database, batchIds: readonly string[]): Promise<string[]> {
  const rows = await database.rows<{ batch_id: string }>(sql`
    select batch_id from unnest(${sql.param(batchIds)}::text[]) as given(batch_id)
    where exists (select from webhooks where webhooks.batch_id = given.batch_id and ${unsettled})`);
  return rows.map(({ batch_id }) => batch_id);
}

/** Fails what a batch has left unsettled, but for webhooks with an attempt in flight. Returns how many it failed. */
export async function failUnsettled(
  database: Database,
  { batch_id, reason }: { batch_id: string; reason: string },
): Promise<number> {
  const waiting = sql`webhooks.batch_id = ${batch_id} and ${unsettled}`;
  const expired = await database.rows<{ seq: string }>(sql`
    select seq::text from webhooks join attempts using (call_id)
    where ${waiting} and finished_at is null and deadline <= clock_timestamp()`);
  await interruptAttempts(
    database,
    expired.map(({ seq }) => seq),
  );
  const [failed] = await database.rows<{ count: number }>(sql`
    with failed as (
      update webhooks ${settledAs({ status: sql`'failed'`, reason: sql`${reason}` })}
      where ${waiting}
        and not exists (select from attempts where attempts.call_id = webhooks.call_id and finished_at is null)
      returning call_id
    )
    select count(*)::integer from failed`);
  return failed?.count ?? 0;
}
