import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '../../contract/free-port.js';

const run = promisify(execFile);

/** A PostgreSQL server for tests and benches. `await using`, or call `remove()` at the end. */
export interface PostgresServer extends AsyncDisposable {
  /** URL of the database `postgres`. */
  url: string;
  /** Of the running server; undefined for one that TEST_DATABASE_URL names. */
  readonly pid: number | undefined;
  /** Creates an empty database and returns its URL; it goes with the server. */
  createDatabase(): Promise<string>;
  /** Resolves when the server accepts connections. */
  start(): Promise<void>;
  /** Ends sessions and shuts down ("fast"); keeps the data. */
  stop(): Promise<void>;
  /** SIGKILL for the server and all of its processes; keeps the data. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Stops the server and removes its data. */
  remove(): Promise<void>;
}

/**
 * Starts a private PostgreSQL in a temporary folder on a free loopback port, without passwords. TEST_DATABASE_URL names another server
 * to use instead. Its start and stop throw.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const given = process.env.TEST_DATABASE_URL;
  return given ? givenServer(given) : startPrivatePostgres();
}

/** Starts one even with TEST_DATABASE_URL, for tests that need a whole server. */
export async function startPrivatePostgres(): Promise<PostgresServer> {
  const server = await PrivateServer.create();
  await server.start();
  return server;
}

function givenServer(url: string): PostgresServer {
  const reject = () => Promise.reject(new Error('TEST_DATABASE_URL names a server that tests must not stop: unset it'));
  const databases: string[] = [];
  const remove = async () => {
    for (const name of databases.splice(0)) await query(url, `drop database "${name}" with (force)`);
  };
  return {
    url,
    pid: undefined,
    createDatabase: async () => {
      const created = await createDatabase(url);
      databases.push(created.name);
      return created.url;
    },
    start: reject,
    stop: reject,
    kill: reject,
    restart: reject,
    remove,
    [Symbol.asyncDispose]: remove,
  };
}

const START_PATIENCE_MS = 15_000;

class PrivateServer implements PostgresServer {
  readonly url: string;
  readonly #bin: string;
  readonly #folder: string;
  readonly #port: number;
  #server: ChildProcess | undefined;

  private constructor(bin: string, folder: string, port: number) {
    this.#bin = bin;
    this.#folder = folder;
    this.#port = port;
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  }

  static async create(): Promise<PrivateServer> {
    const bin = await findBinaries();
    const folder = await mkdtemp(join(tmpdir(), 'postcall-postgres-'));
    const owner = await serverUser();
    if (owner) await chown(folder, owner.uid, owner.gid);
    const initdb = ['-D', join(folder, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '-N'];
    await run(join(bin, 'initdb'), initdb, { ...owner, cwd: folder });
    return new PrivateServer(bin, folder, await freePort());
  }

  get pid(): number | undefined {
    return this.#server?.pid;
  }

  /** A process that a killed server had just forked lives for a moment longer, and holds its shared memory. */
  async start(): Promise<void> {
    for (const limit = Date.now() + START_PATIENCE_MS; ; await sleep(100)) {
      const refusal = await this.#launch();
      if (refusal === undefined) return;
      const mayPass = refusal.includes('pre-existing shared memory block') && Date.now() < limit;
      if (!mayPass) throw new Error(`PostgreSQL did not start:\n${refusal}`);
    }
  }

  /** Undefined when it answers; else what it has said before it ended. */
  async #launch(): Promise<string | undefined> {
    // `-F`: tests kill processes, not machines, so that nothing is gained by waiting for the disk.
    const settings = ['-F', '-c', 'max_connections=200', '-c', 'listen_addresses=127.0.0.1'];
    const args = ['-D', join(this.#folder, 'data'), '-p', `${this.#port}`, '-k', this.#folder, ...settings];
    const server = spawn(join(this.#bin, 'postgres'), args, {
      ...(await serverUser()),
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-4_000);
    });
    this.#server = server;
    while (!(await answers(this.url))) {
      if (server.exitCode !== null) return log;
      await sleep(50);
    }
    return undefined;
  }

  async stop(): Promise<void> {
    await this.#end('SIGINT');
  }

  /** Its children notice the death of their parent and exit; a new server refuses to start before they have. */
  async kill(): Promise<void> {
    const pid = this.#server?.pid;
    const children = pid === undefined ? [] : await childrenOf(pid);
    await this.#end('SIGKILL');
    for (const child of children) killIfAlive(child);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async createDatabase(): Promise<string> {
    return (await createDatabase(this.url)).url;
  }

  async remove(): Promise<void> {
    await this.#end('SIGQUIT');
    await rm(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  }
}

/** PostgreSQL refuses to run as root: then it runs as the user `postgres`, which its packages create. */
async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

async function findBinaries(): Promise<string> {
  const candidates = [...(process.env.PATH ?? '').split(delimiter), ...(await configured()), ...(await packaged())];
  const found = candidates.find((folder) => folder && existsSync(join(folder, 'initdb')));
  if (found) return found;
  throw new Error(
    'PostgreSQL is not installed, and these tests need a server of their own: `apt-get install postgresql`, or name one that ' +
      'runs in TEST_DATABASE_URL',
  );
}

/** The server's own folder, which Debian keeps off the PATH. */
async function configured(): Promise<string[]> {
  try {
    return [(await run('pg_config', ['--bindir'])).stdout.trim()];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function packaged(): Promise<string[]> {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? await readdir(root) : [];
  return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(root, version, 'bin'));
}

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=']);
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.filter(([, parent]) => parent === pid).map(([child]) => child as number);
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function query(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

async function createDatabase(url: string): Promise<{ name: string; url: string }> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await query(url, `create database "${name}"`);
  const created = new URL(url);
  created.pathname = `/${name}`;
  return { name, url: created.href };
}

/** Refused, or `the database system is starting up`. */
async function answers(url: string): Promise<boolean> {
  try {
    await query(url, 'select');
    return true;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === '57P03') return false;
    throw error;
  }
}
