import pg from 'pg';
import { onTestFinished } from 'vitest';
import type { PostgresServer } from './postgres.js';
import { unique } from './stores.js';

export interface DatabaseWithRole {
  /** URL of the database for its owner. */
  owner: string;
  role: string;
  /** URL of the database for the role. */
  as: string;
}

/** On a connection of its own; the rows of the last statement. */
export async function queryOnce<Row extends object>(databaseUrl: string, ...statements: string[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    let rows: Row[] = [];
    for (const statement of statements) rows = (await client.query<Row>(statement)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

/** A new database, and a new role without any right in it. */
export async function databaseWithRole(server: Pick<PostgresServer, 'createDatabase'>): Promise<DatabaseWithRole> {
  const owner = await server.createDatabase();
  const role = unique('role').replaceAll('-', '_');
  await queryOnce(
    owner,
    `create role ${role} login password 'right'`,
    // PostgreSQL 14 lets everybody create in `public`.
    'revoke create on schema public from public',
  );
  const url = new URL(owner);
  url.username = role;
  url.password = 'right';
  onTestFinished(() => queryOnce(owner, `drop owned by ${role}`, `drop role ${role}`).then(() => undefined));
  return { owner, role, as: url.href };
}

/** What the documents grant to the role of workers and API processes, but for its name. */
export const DATA_RIGHTS = 'grant select, insert, update, delete on all tables in schema public';
