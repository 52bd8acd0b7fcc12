import pg from 'pg';
import { toStoreError } from './driver-errors.js';
import { StoreUnavailableError } from './errors.js';
import type { SchemaState } from './migrate.js';
import { openStore, type StoreOptions } from './open-store.js';
import { expectRights, expectSettings } from './postgres/examine.js';
import { connectFirst, readSchemaState } from './postgres/migrate.js';
import { sessionConfig } from './postgres/session-config.js';

/** How a database stands that answers. */
export interface StoreDiagnosis {
  server_version: string;
  schema: SchemaState;
  /** Why its statements cannot work: rights are missing, or sessions lack their settings. Not looked for without a schema. */
  fault: StoreUnavailableError | undefined;
  /** Milliseconds by which its clock is before this machine's. */
  clock_ahead_ms: number;
}

/**
 * Looks at the database, and changes nothing; an embedded one is opened, which brings it up to date. Throws `StoreUnavailableError`, with
 * the problem and its remedy, where it does not answer.
 */
export async function diagnoseStore(options: StoreOptions): Promise<StoreDiagnosis> {
  if (options.databaseUrl !== undefined) return diagnosePostgres(options.databaseUrl);
  await (await openStore(options)).close();
  return { server_version: 'embedded', schema: 'current', fault: undefined, clock_ahead_ms: 0 };
}

async function diagnosePostgres(databaseUrl: string): Promise<StoreDiagnosis> {
  const client = new pg.Client(sessionConfig(databaseUrl));
  client.on('error', () => undefined); // the statement under way reports it
  try {
    await connectFirst(client);
    const { server_version, clock_ahead_ms } = await askServer(client);
    const schema = await readSchemaState(client);
    const hasSchema = schema === 'current' || schema === 'newer';
    return { server_version, schema, clock_ahead_ms, fault: hasSchema ? await faultOf(client) : undefined };
  } catch (error) {
    throw toStoreError(error);
  } finally {
    await client.end();
  }
}

async function askServer(client: pg.ClientBase): Promise<Pick<StoreDiagnosis, 'server_version' | 'clock_ahead_ms'>> {
  const before = Date.now();
  const { rows } = await client.query<{ now_ms: number; version: string }>(
    "select (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms, current_setting('server_version') as version",
  );
  const [row] = rows;
  const here = (before + Date.now()) / 2;
  return { server_version: row?.version ?? 'of unknown version', clock_ahead_ms: (row?.now_ms ?? here) - here };
}

async function faultOf(client: pg.ClientBase): Promise<StoreUnavailableError | undefined> {
  try {
    await expectRights(client);
    await expectSettings(client);
    return undefined;
  } catch (error) {
    if (error instanceof StoreUnavailableError) return error;
    throw error;
  }
}
