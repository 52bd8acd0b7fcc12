import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe } from 'vitest';
import type { RegisterPart } from '../../contract/index.js';
import {
  type CloseRequest,
  type NextStep,
  type OpenedAttempt,
  type OpenRequest,
  openStore,
  type Store,
  type StoreOptions,
  type WebhookRef,
} from '../../store/index.js';
import { openScratchStore, scratchFolder } from './pglite-template.js';
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
  const dataDir = await scratchFolder();
  const store = await openScratchStore({ dataDir });
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

export const callNames = (count: number): string[] => Array.from({ length: count }, () => unique('call'));

export interface RegisterOptions extends Partial<Omit<RegisterPart, 'call_ids'>> {
  call_ids?: string[];
  workflow_id?: string;
  accepted_at?: number;
  /** The `calls` table decides. Default false: another source does. */
  calls?: boolean;
}

/** A part of one call of a user that no other test uses. */
export const part = ({
  workflow_id: _,
  accepted_at: __,
  calls: ___,
  ...options
}: RegisterOptions = {}): RegisterPart => ({
  batch_id: unique('batch'),
  user_id: unique('user'),
  send_type: 'create',
  ...(options.send_type !== 'resend' && { webhook_url: 'https://example.com/hook' }),
  offset: 0,
  total: options.call_ids?.length ?? 1,
  call_ids: [unique('call')],
  ...options,
});

/** Registers one part and answers what was said of it. */
export async function register(store: Store, options: RegisterOptions = {}) {
  const registered = part(options);
  const [answer] = await store.registerBatches({
    workflow_id: options.workflow_id ?? `postcall-${registered.batch_id}`,
    accepted_at: options.accepted_at ?? Date.now(),
    calls: options.calls ?? false,
    parts: [registered],
  });
  if (!answer) throw new Error('nothing was registered');
  const [call_id = ''] = registered.call_ids;
  const { batch_id, user_id, send_type } = registered;
  return { part: registered, answer, ref: { batch_id, user_id, call_id }, send_type };
}

/** A request to open the first attempt of a registered call. */
export const openRequest = (ref: WebhookRef, overrides: Partial<OpenRequest> = {}): OpenRequest => ({
  ...ref,
  send_type: 'create',
  timeout_ms: 15_000,
  ordered: false,
  payload: '{"summary":"Booked"}',
  ...overrides,
});

/** Opens, and fails the test unless an attempt was opened. */
export async function mustOpen(store: Store, request: OpenRequest): Promise<OpenedAttempt> {
  const result = await store.openAttempt(request);
  if (result.kind !== 'opened') throw new Error(`expected an opened attempt, got ${JSON.stringify(result)}`);
  return result;
}

const DELIVERED: NextStep = { status: 'delivered' };
/** Due again in a minute. */
const RETRYING: NextStep = { status: 'retrying', delay_ms: 60_000, held_ms: 0 };
export const FAILED: NextStep = { status: 'failed', error: 'ScheduleUsedUp', reason: 'retry schedule used up' };

/** A request to close the attempt: what got a 2xx is delivered, anything else is tried again. */
export const closeRequest = (ref: WebhookRef, seq: string, overrides: Partial<CloseRequest> = {}): CloseRequest => {
  const { response_code = 200 } = overrides;
  const isSuccess = response_code !== null && response_code >= 200 && response_code < 300;
  return {
    ...ref,
    seq,
    response_code,
    response_time_ms: 7,
    error: null,
    endpoint_failed: !isSuccess,
    next: isSuccess ? DELIVERED : RETRYING,
    ...overrides,
  };
};

/** Makes a whole attempt. */
export async function attempted(store: Store, ref: WebhookRef, end?: Partial<CloseRequest>): Promise<void> {
  const { seq } = await mustOpen(store, openRequest(ref, { ordered: true }));
  await store.closeAttempt(closeRequest(ref, seq, end));
}
