import { setTimeout as sleep } from 'node:timers/promises';
import type { SQL } from 'drizzle-orm';
import { type PgDatabase, PgDialect, type PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { isConflict, toStoreError } from './driver-errors.js';
import { type NamedStatement, statementName } from './named-statement.js';

/** What `pg` and PGlite have in common through Drizzle. */
export type Drizzle = PgDatabase<PgQueryResultHKT>;

/** A driver: `pg` or PGlite. */
export interface Driver {
  /** For statements of Drizzle's query builder. */
  db: Drizzle;
  /** Runs a statement that a session parses and plans once, and returns its rows. */
  runNamed(statement: NamedStatement): Promise<object[]>;
}

/** A database that runs single statements, each its own transaction, and throws only typed errors. */
export interface Database {
  /** Runs one statement of Drizzle's query builder. It may run more than once when it conflicts with others. */
  run<T>(statement: (db: Drizzle) => PromiseLike<T>): Promise<T>;
  /** Runs one hand-written statement; its text must be one of few, since sessions keep it prepared. */
  rows<Row extends object>(statement: SQL): Promise<Row[]>;
  /** How many statements it runs at the same time. */
  readonly concurrency: number;
  close(): Promise<void>;
}

/** Deadlocks cost a second each on PostgreSQL (deadlock_timeout): five of them in a row are no accident. */
const MAX_RUNS = 5;

const dialect = new PgDialect();

/** `connected` answers with the driver to use for the next statement. */
export function databaseOf(
  connected: () => Driver | Promise<Driver>,
  { concurrency, close }: { concurrency: number; close(): Promise<void> },
): Database {
  const run = async <T>(statement: (driver: Driver) => PromiseLike<T>): Promise<T> => {
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
    run: (statement) => run(({ db }) => statement(db)),
    rows: async <Row extends object>(statement: SQL) => {
      const { sql: text, params: values } = dialect.sqlToQuery(statement);
      const rows = await run((driver) => driver.runNamed({ name: statementName(text), text, values }));
      return rows as Row[];
    },
    concurrency,
    close,
  };
}
