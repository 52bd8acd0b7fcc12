import { afterAll, beforeAll } from 'vitest';
import { type PostgresServer, startPostgres } from './postgres.js';

/** One PostgreSQL for the scenarios of a file; each takes a database of its own from it. Call it outside of tests. */
export function sharedPostgres(): () => PostgresServer {
  let server: PostgresServer | undefined;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());
  return () => {
    if (!server) throw new Error('PostgreSQL runs while tests run');
    return server;
  };
}
