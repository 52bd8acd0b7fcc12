import pg from 'pg';
import type { RecordedCall } from './fault-audit.js';

/** Looks at the store's tables past the store, which shows no open attempts. */
export class FaultDatabase {
  readonly #pool: pg.Pool;

  /** An embedded database is served on a socket in its folder, by the process that has opened it. */
  constructor(store: { databaseUrl: string } | { dataDir: string }) {
    const server =
      'databaseUrl' in store
        ? { connectionString: store.databaseUrl }
        : { host: store.dataDir, user: 'postgres', database: 'postgres' };
    this.#pool = new pg.Pool({ ...server, max: 2 });
    // A connection that breaks while it is idle is replaced; the query that needs it reports what is wrong.
    this.#pool.on('error', () => undefined);
  }

  /** Milliseconds since the epoch by the database's clock. */
  async now(): Promise<number> {
    const [row] = await this.#rows<{ now: number }>(`select ${ms('clock_timestamp()')} as now`);
    return row?.now ?? Number.NaN;
  }

  /** How many webhooks stand where. */
  async statuses(): Promise<Record<string, number>> {
    const rows = await this.#rows<{ status: string; count: number }>(
      'select status, count(*)::integer as count from webhooks group by status',
    );
    return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
  }

  /** Attempts whose error is like this pattern of SQL. */
  async attemptsWithError(pattern: string): Promise<number> {
    const [row] = await this.#rows<{ count: number }>(
      'select count(*)::integer as count from attempts where error like $1',
      [pattern],
    );
    return row?.count ?? 0;
  }

  /**
   * Attempts under way for a second, by the time that their worker gives them, in whole seconds: it tells workers apart. Younger
   * ones may be about to end.
   */
  async openAttempts(): Promise<Record<string, number>> {
    const rows = await this.#rows<{ seconds: number; count: number }>(`
      select round(extract(epoch from deadline - sent_at))::integer as seconds, count(*)::integer as count
      from attempts where finished_at is null and sent_at < clock_timestamp() - interval '1 second' group by seconds`);
    return Object.fromEntries(rows.map(({ seconds, count }) => [seconds, count]));
  }

  /** Everything that the store knows of each call. */
  async recordedCalls(): Promise<RecordedCall[]> {
    return this.#rows<RecordedCall>(`
      select call_id, id as webhook_id, status, payload, coalesce((
        select json_agg(json_build_object('sent_at', ${ms('sent_at')}, 'finished_at', ${ms('finished_at')},
          'response_code', response_code, 'error', attempts.error) order by seq)
        from attempts where attempts.webhook_id = webhooks.id), '[]') as attempts
      from webhooks order by call_id`);
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #rows<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#pool.query<Row>(text, values)).rows;
  }
}

const ms = (time: string): string => `(extract(epoch from ${time}) * 1000)::float8`;
