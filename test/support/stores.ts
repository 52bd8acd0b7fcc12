import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe } from 'vitest';
import {
  type CloseRequest,
  type NextStep,
  type OpenedAttempt,
  type OpenRequest,
  openStore,
  type Store,
  type StoreOptions,
} from '../../store/index.js';
import { copyEmptyDatabase } from './pglite-template.js';
import { type PostgresServer, startPostgres } from './postgres.js';

/** One kind of database, for the tests of one file. */
export interface StoreHarness {
  store: Store;
  options: StoreOptions;
  /** Looks or meddles behind the store's back. */
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
}

interface Backend {
  name: string;
  start(): Promise<StoreHarness & AsyncDisposable>;
}

const backends: Backend[] = [
  { name: 'PGlite', start: startPglite },
  { name: 'PostgreSQL', start: startOnPostgres },
];

/** Defines the tests once for each kind of database. They share its store: use a call and a user of your own in each. */
export function describeStores(title: string, define: (harness: () => StoreHarness) => void): void {
  describe.each(backends)(`${title} on $name`, ({ start }) => {
    let harness: StoreHarness & AsyncDisposable;
    beforeAll(async () => {
      harness = await start();
    }, 180_000);
    afterAll(() => harness[Symbol.asyncDispose]());
    define(() => harness);
  });
}

async function startPglite() {
  const dataDir = await mkdtemp(join(tmpdir(), 'postcall-store-'));
  await copyEmptyDatabase(dataDir);
  const store = await openStore({ dataDir });
  const pool = new pg.Pool({ host: dataDir, user: 'postgres', database: 'postgres' });
  return harness(store, { dataDir }, pool, () => rm(dataDir, { recursive: true, force: true }));
}

async function startOnPostgres() {
  const server: PostgresServer = await startPostgres();
  const databaseUrl = await server.createDatabase();
  const store = await openStore({ databaseUrl });
  return harness(store, { databaseUrl }, new pg.Pool({ connectionString: databaseUrl }), () => server.remove());
}

function harness(store: Store, options: StoreOptions, pool: pg.Pool, remove: () => Promise<void>) {
  return {
    store,
    options,
    query: async <Row extends object>(text: string, values?: unknown[]) => (await pool.query<Row>(text, values)).rows,
    [Symbol.asyncDispose]: async () => {
      await pool.end();
      await store.close();
      await remove();
    },
  };
}

/** A name that no other test uses. */
export const unique = (what: string): string => `${what}-${randomUUID()}`;

/** A request to open the first attempt of a call that nobody else uses. */
export const openRequest = (overrides: Partial<OpenRequest> = {}): OpenRequest => ({
  batch_id: unique('batch'),
  call_id: unique('call'),
  user_id: unique('user'),
  webhook_url: 'https://example.com/hook',
  send_type: 'create',
  timeout_ms: 15_000,
  payload: { from: 'text', json: '{"summary":"Booked"}' },
  ...overrides,
});

/** Opens, and fails the test unless an attempt was opened. */
export async function mustOpen(store: Store, request: OpenRequest): Promise<OpenedAttempt> {
  const result = await store.openAttempt(request);
  if (result.kind !== 'opened') throw new Error(`expected an opened attempt, got ${JSON.stringify(result)}`);
  return result;
}

export const DELIVERED: NextStep = { status: 'delivered' };
/** Due again in a minute. */
export const RETRYING: NextStep = { status: 'retrying', delay_ms: 60_000, held_ms: 0 };

/** A request to close the attempt: what got a 2xx is delivered, anything else is tried again. */
export const closeRequest = (
  { call_id, batch_id }: OpenRequest,
  seq: string,
  overrides: Partial<CloseRequest> = {},
): CloseRequest => {
  const { response_code = 200 } = overrides;
  const isSuccess = response_code !== null && response_code >= 200 && response_code < 300;
  return {
    seq,
    call_id,
    batch_id,
    response_code,
    response_time_ms: 7,
    error: null,
    next: isSuccess ? DELIVERED : RETRYING,
    ...overrides,
  };
};

/** Makes a whole attempt. */
export async function attempted(store: Store, request: OpenRequest, end?: Partial<CloseRequest>): Promise<void> {
  const { seq } = await mustOpen(store, request);
  await store.closeAttempt(closeRequest(request, seq, end));
}
