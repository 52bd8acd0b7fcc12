import { setTimeout as sleep } from 'node:timers/promises';
import { type AnswerColumns, type RowOf, wrongColumn } from './answer.js';
import { isConflict, toStoreError } from './driver-errors.js';
import { StoreQueryError } from './errors.js';
import type { PlainStatement, RequestStatement } from './statement.js';
import type { Connections } from './store.js';

/** A statement for PostgreSQL's extended protocol. */
export interface NamedStatement {
  /** At most 63 bytes; different for each text. Sessions keep the statement prepared under it. */
  name: string;
  text: string;
  values: readonly unknown[];
}

/** A driver: `pg` or PGlite. Runs a statement that a session parses and plans once, and returns its rows. */
export type Driver = (statement: NamedStatement) => Promise<object[]>;

/** A database that runs single statements, each its own transaction, and throws only typed errors. A statement that conflicts with others may run more than once. */
export interface Database {
  query<Request, Columns extends AnswerColumns>(
    statement: RequestStatement<Request, Columns>,
    requests: readonly Request[],
  ): Promise<RowOf<Columns>[]>;
  run<Parameters extends readonly unknown[], Columns extends AnswerColumns>(
    statement: PlainStatement<Parameters, Columns>,
    parameters: Parameters,
  ): Promise<RowOf<Columns>[]>;
  /** How many statements of one kind it runs at the same time. */
  readonly concurrency: number;
  /** Of a pool; undefined for one shared session. */
  connections(): Connections | undefined;
  close(): Promise<void>;
}

type DatabaseParts = Pick<Database, 'concurrency' | 'close'> & Partial<Pick<Database, 'connections'>>;

/** Deadlocks cost a second each on PostgreSQL (deadlock_timeout): five of them in a row are no accident. */
const MAX_RUNS = 5;

/** `connected` answers with the driver to use for the next statement. */
export function databaseOf(
  connected: () => Driver | Promise<Driver>,
  { concurrency, connections = () => undefined, close }: DatabaseParts,
): Database {
  const execute = async (statement: NamedStatement): Promise<object[]> => {
    for (let runs = 1; ; runs++) {
      try {
        const driver = await connected();
        return await driver(statement);
      } catch (thrown) {
        const error = toStoreError(thrown);
        if (!isConflict(error) || runs === MAX_RUNS) throw error;
        await sleep(Math.random() * 20 * runs);
      }
    }
  };
  return {
    query: async ({ name, text, answer, valuesOf }, requests) =>
      declared(answer, await execute({ name, text, values: valuesOf(requests) })),
    run: async ({ name, text, answer }, values) => declared(answer, await execute({ name, text, values })),
    concurrency,
    connections,
    close,
  };
}

/** Throws `StoreQueryError` where a row is not what its statement declares. */
function declared<Columns extends AnswerColumns>(columns: Columns, rows: object[]): RowOf<Columns>[] {
  for (const row of rows) {
    const wrong = wrongColumn(columns, row);
    if (wrong !== undefined) {
      throw new StoreQueryError(
        `the database driver answers ${wrong} otherwise than expected: are its type parsers changed?`,
      );
    }
  }
  return rows as RowOf<Columns>[];
}
