import { setTimeout as sleep } from 'node:timers/promises';
import type { SQL } from 'drizzle-orm';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { isConflict, toStoreError } from './driver-errors.js';

/** What `pg` and PGlite have in common through Drizzle. */
export type Drizzle = PgDatabase<PgQueryResultHKT>;

/** A database that runs single statements, each its own transaction, and throws only typed errors. */
export interface Database {
  /** Runs one statement of Drizzle's query builder. It may run more than once when it conflicts with others. */
  run<T>(statement: (db: Drizzle) => PromiseLike<T>): Promise<T>;
  /** Runs one hand-written statement. */
  rows<Row extends object>(statement: SQL): Promise<Row[]>;
  /** How many statements it runs at the same time. */
  readonly concurrency: number;
  close(): Promise<void>;
}

/** Deadlocks cost a second each on PostgreSQL (deadlock_timeout): five of them in a row are no accident. */
const MAX_RUNS = 5;

/** `connected` answers with the Drizzle to use for the next statement. */
export function databaseOf(
  connected: () => Drizzle | Promise<Drizzle>,
  { concurrency, close }: { concurrency: number; close(): Promise<void> },
): Database {
  const run = async <T>(statement: (db: Drizzle) => PromiseLike<T>): Promise<T> => {
    for (let runs = 1; ; runs++) {
      try {
        return await statement(await connected());
      } catch (thrown) {
        const error = toStoreError(thrown);
        if (!isConflict(error) || runs === MAX_RUNS) throw error;
        await sleep(Math.random() * 20 * runs);
      }
    }
  };
  return {
    run,
    rows: async <Row extends object>(statement: SQL) => {
      const result = await run((db) => db.execute(statement));
      return (result as { rows: Row[] }).rows;
    },
    concurrency,
    close,
  };
}
