import type { ClientConfig } from 'pg';
import { PLANNING } from '../planning.js';

/** To connect at all: an outage must become an error while its caller still waits. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** Ends a statement on the server, so that it does not go on holding locks behind our back. */
const STATEMENT_TIMEOUT_MS = 12_000;
/** For a server that has gone silent: longer than the server's own limit, so that the server answers first where it lives. */
const SILENCE_TIMEOUT_MS = 15_000;

/** Of every connection, also to the process that holds an embedded database. */
export const CONNECTION: ClientConfig = {
  application_name: 'postcall-webhooks',
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  query_timeout: SILENCE_TIMEOUT_MS,
  keepAlive: true,
};

const OPTIONS = Object.entries(PLANNING)
  .map(([name, value]) => `-c ${name}=${value}`)
  .join(' ');

/** Of sessions that run the store's statements on PostgreSQL. A pooler in between may drop `options` and the statement timeout. */
export const sessionConfig = (databaseUrl: string): ClientConfig => ({
  ...CONNECTION,
  connectionString: withOptions(databaseUrl),
  statement_timeout: STATEMENT_TIMEOUT_MS,
});

/** Beside those that the URL has: what a URL says wins over everything else. */
function withOptions(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  const own = url.searchParams.get('options');
  url.searchParams.set('options', own === null ? OPTIONS : `${OPTIONS} ${own}`);
  return url.href;
}
