import { INTERRUPTED } from '../contract/index.js';
import { integer, text } from './answer.js';
import type { Database } from './database.js';
import { requestStatement, requestTable } from './statement.js';
import type { InterruptedAttempt } from './store.js';

const ANSWER = {
  seq: text(),
  batch_id: text(),
  user_id: text(),
  call_id: text(),
  url: text(),
  step: integer(),
};

/** The end of an interrupted attempt is unknown: its whole time is taken. */
const statement = requestStatement(
  requestTable<string>({ seq: ['bigint', (seq) => seq] }),
  ANSWER,
  (requests, answer) => `
    with locked as materialized (
      select seq, webhooks.id, user_id, call_id, url, step
      from ${requests} join attempts using (seq) join webhooks on webhooks.id = webhook_id
      where finished_at is null and deadline <= clock_timestamp()
      order by webhooks.user_id, webhooks.call_id for no key update of webhooks skip locked
    ),
    interrupted as (
      update attempts set finished_at = clock_timestamp(), error = '${INTERRUPTED}',
        response_time_ms = round(extract(epoch from deadline - sent_at) * 1000)::integer
      from locked
      where attempts.seq = locked.seq and finished_at is null
      returning attempts.seq, webhook_id, batch_id, alone
    ),
    counted as (
      update webhooks set interruptions = interruptions + 1, interruptions_alone = interruptions_alone + alone::integer
      from interrupted
      where webhooks.id = interrupted.webhook_id and webhooks.batch_id = interrupted.batch_id
    )
    select ${answer} from interrupted join locked using (seq)`,
);

type Listener = (attempts: InterruptedAttempt[]) => void;

/** Closes attempts that are open past their time, and tells one listener of them: several workers of a process count each of them once. */
export class Interruptions {
  readonly #database: Database;
  readonly #listeners = new Set<Listener>();

  constructor(database: Database) {
    this.#database = database;
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Closes those of the attempts that are open past their deadline, but for those whose webhooks are locked. Returns which. */
  async interrupt(seqs: readonly string[]): Promise<Set<string>> {
    if (seqs.length === 0) return new Set();
    const rows = await this.#database.query(statement, seqs);
    if (rows.length > 0) {
      const attempts = rows.map(({ seq: _, ...attempt }) => attempt);
      const [listener] = this.#listeners;
      listener?.(attempts);
    }
    return new Set(rows.map(({ seq }) => seq));
  }
}
