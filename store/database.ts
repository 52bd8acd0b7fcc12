import { setTimeout as sleep } from 'node:timers/promises';
import { isConflict, toStoreError } from './driver-errors.js';
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
  query<Row extends object, Request>(
    statement: RequestStatement<Request>,
    requests: readonly Request[],
  ): Promise<Row[]>;
  run<Parameters extends readonly unknown[], Row extends object>(
    statement: PlainStatement<Parameters, Row>,
    parameters: Parameters,
  ): Promise<Row[]>;
  /** How many statements of one kind it runs at the same time. */
  readonly concurrency: number;
  /** Of a pool; undefined for one session that everybody shares. */
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
  const execute = async <Row extends object>(statement: NamedStatement): Promise<Row[]> => {
    for (let runs = 1; ; runs++) {
      try {
        const driver = await connected();
        return (await driver(statement)) as Row[];
      } catch (thrown) {
        const error = toStoreError(thrown);
        if (!isConflict(error) || runs === MAX_RUNS) throw error;
        await sleep(Math.random() * 20 * runs);
      }
    }
  };
  return {
    query: ({ name, text, valuesOf }, requests) => execute({ name, text, values: valuesOf(requests) }),
    run: ({ name, text }, values) => execute({ name, text, values }),
    concurrency,
    connections,
    close,
  };
}
