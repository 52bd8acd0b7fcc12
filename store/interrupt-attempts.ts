import { INTERRUPTED } from '../contract/index.js';
import type { Database } from './database.js';
import { requestStatement } from './statement.js';

/** The end of an interrupted attempt is unknown: its whole time is taken. */
const statement = requestStatement<string>(
  { seq: ['bigint', (seq) => seq] },
  (requests) => `
    with interrupted as (
      update attempts set finished_at = clock_timestamp(), error = '${INTERRUPTED}',
        response_time_ms = round(extract(epoch from deadline - sent_at) * 1000)::integer
      from ${requests}
      where attempts.seq = request.seq and finished_at is null and deadline <= clock_timestamp()
      returning webhook_id, batch_id, alone
    )
    update webhooks set interruptions = interruptions + 1, interruptions_alone = interruptions_alone + alone::integer
    from interrupted
    where webhooks.id = interrupted.webhook_id and webhooks.batch_id = interrupted.batch_id`,
);

/** Closes those of the attempts that are open past their deadline. */
export async function interruptAttempts(database: Database, seqs: readonly string[]): Promise<void> {
  if (seqs.length > 0) await database.query(statement, seqs);
}
