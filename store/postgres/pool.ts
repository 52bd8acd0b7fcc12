import pg from 'pg';
import { type Database, type Driver, databaseOf, type NamedStatement } from '../database.js';
import { CONNECTION } from './session-config.js';

interface PoolOptions {
  /** Statements of one kind under way at once. */
  concurrency: number;
  /** Whether a session keeps statements prepared under their names. It is found out at the first that was not kept, and given up then. */
  keepsPrepared: boolean;
}

/**
 * SQLSTATEs of a statement that another session has prepared, or that this one has already: a pooler lends sessions out for a transaction
 * each. Nothing was run, and as names are hashes of texts, no other statement was meant.
 */
const FOREIGN_SESSION = ['26000', '42P05'];

/** Opens a pool, without connecting. */
export function openPool(config: pg.PoolConfig, { concurrency, keepsPrepared }: PoolOptions): Database {
  const pool = new pg.Pool({ ...CONNECTION, ...config });
  // An idle connection that breaks is replaced at the next use, which reports what is wrong; without a listener it would end
  // the process.
  pool.on('error', () => undefined);
  let prepares = keepsPrepared;
  const run = async ({ text, values }: NamedStatement, name?: string): Promise<object[]> =>
    (await pool.query<object>({ ...(name !== undefined && { name }), text, values: [...values] })).rows;
  const driver: Driver = async (statement) => {
    if (!prepares) return run(statement);
    try {
      return await run(statement, statement.name);
    } catch (error) {
      if (!FOREIGN_SESSION.includes((error as { code?: string }).code ?? '')) throw error;
      prepares = false;
      return run(statement);
    }
  };
  return databaseOf(() => driver, {
    concurrency,
    connections: () => ({
      in_use: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
    close: () => pool.end(),
  });
}
