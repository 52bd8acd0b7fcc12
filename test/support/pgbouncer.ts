import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { expect, onTestFinished } from 'vitest';
import { freePort } from '../../contract/free-port.js';
import type { Part } from './fault-stack.js';
import { temporaryFolder } from './temporary-folder.js';

const run = promisify(execFile);
const PROGRAM = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'].find(existsSync);

/** The package `pgbouncer` is optional: tests of it are left out where it is missing. */
export const hasPgBouncer = PROGRAM !== undefined;

export interface PgBouncerOptions {
  /** URL of a database that lets its user in without a password. */
  databaseUrl: string;
  poolMode: 'session' | 'transaction';
  /** Lines for its configuration. */
  settings?: string[];
}

export interface PgBouncer extends Part {
  /** To use instead of the database's. */
  url: string;
  /** SIGKILL, and back again on the same port. */
  killAndStart(): Promise<void>;
}

/** A PgBouncer before a database, ended with the test. */
export async function startPgBouncer({ databaseUrl, poolMode, settings = [] }: PgBouncerOptions): Promise<PgBouncer> {
  if (PROGRAM === undefined) throw new Error('PgBouncer is not installed');
  const { hostname, port, username, pathname } = new URL(databaseUrl);
  const folder = await temporaryFolder();
  const listenPort = await freePort();
  const users = join(folder, 'users.txt');
  const lines = [
    '[databases]',
    `${pathname.slice(1)} = host=${hostname} port=${port} user=${username}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${listenPort}`,
    'unix_socket_dir =',
    'auth_type = trust',
    `auth_file = ${users}`,
    `pool_mode = ${poolMode}`,
    `stats_users = ${username}`,
    ...settings,
  ];
  await writeFile(users, `"${username}" ""`);
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(file, lines.join('\n'));
  // It refuses to run as root, and then runs as PostgreSQL does.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await giveTo('postgres', [folder, users, file]);
  const url = new URL(databaseUrl);
  url.port = String(listenPort);
  const start = async (): Promise<ChildProcess> => {
    const started = spawn(PROGRAM, [...(isRoot ? ['-u', 'postgres'] : []), file], { stdio: 'ignore' });
    onTestFinished(() => kill(started));
    await expect.poll(() => answers(url.href)).toBe(true);
    return started;
  };
  let bouncer = await start();
  return {
    url: url.href,
    get failure() {
      const { exitCode, signalCode } = bouncer;
      return exitCode === null && signalCode === null
        ? undefined
        : `PgBouncer has ended with ${signalCode ?? exitCode}`;
    },
    account: () => poolsOf(url),
    killAndStart: async () => {
      await kill(bouncer);
      bouncer = await start();
    },
  };
}

/** Who waits for whom, as it tells itself. */
async function poolsOf(url: URL): Promise<string> {
  const console = new URL(url);
  console.pathname = '/pgbouncer';
  const client = new pg.Client({
    connectionString: console.href,
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
  });
  try {
    await client.connect();
    const { rows } = await client.query('show pools');
    return `PgBouncer's pools: ${JSON.stringify(rows)}`;
  } finally {
    await client.end();
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function giveTo(user: string, paths: string[]): Promise<void> {
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, user])).stdout)),
  );
  for (const path of paths) await chown(path, uid ?? 0, gid ?? 0);
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'ECONNREFUSED') return false;
    throw error;
  } finally {
    await client.end();
  }
}
