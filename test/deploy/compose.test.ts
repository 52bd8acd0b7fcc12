import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../config/index.js';
import { dockerCompose, mustRun } from '../support/deploy-tools.js';
import { ROOT } from '../support/documents.js';
import { startPrivatePostgres } from '../support/postgres.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const INSTALL_TIMEOUT_MS = 900_000;
const FILE = join(ROOT, 'deploy/compose.yaml');
/** With what means something to shells, SQL and URLs. */
const PASSWORDS = { POSTGRES_PASSWORD: `it's/"@:%2 $secret#?`, GRAFANA_PASSWORD: 'secret' };

interface Service {
  command: string[] | null;
  environment?: Record<string, string>;
  ports?: { host_ip?: string }[];
  volumes?: { type: string; source: string }[];
  build?: { context: string; dockerfile: string };
}

interface Project {
  services: Record<string, Service>;
  configs: Record<string, { content: string }>;
}

describe('deploy/compose.yaml, as docker compose loads it', () => {
  let compose = '';
  let project: Project;

  beforeAll(async () => {
    compose = await dockerCompose();
    const output = await mustRun(compose, ['--file', FILE, 'config', '--format', 'json'], PASSWORDS);
    // What compose escapes for itself.
    project = JSON.parse(output.replaceAll('$$', '$')) as Project;
  }, INSTALL_TIMEOUT_MS);

  test('has the whole product', () => {
    expect(Object.keys(project.services).sort()).toEqual([
      'api',
      'grafana',
      'migrate',
      'postgres',
      'prometheus',
      'temporal',
      'temporal-ui',
      'worker',
    ]);
  });

  test('is refused without a password', async () => {
    const config = mustRun(compose, ['--file', FILE, 'config', '--quiet'], { POSTGRES_PASSWORD: '' });
    await expect(config).rejects.toThrow('set POSTGRES_PASSWORD');
  });

  test('mounts and builds what is there', () => {
    const services = Object.values(project.services);
    const mounted = services.flatMap(({ volumes = [] }) =>
      volumes.flatMap(({ type, source }) => (type === 'bind' ? source : [])),
    );
    const built = services.flatMap(({ build }) => (build ? join(build.context, build.dockerfile) : []));
    expect(mounted.length).toBeGreaterThan(0);
    expect(built.length).toBeGreaterThan(0);
    expect([...mounted, ...built].filter((path) => !existsSync(path))).toEqual([]);
  });

  test('publishes on loopback alone', () => {
    const addresses = Object.values(project.services).flatMap(({ ports = [] }) => ports.map((port) => port.host_ip));
    expect([...new Set(addresses)]).toEqual(['127.0.0.1']);
  });

  test('runs programs that are built, with variables that they take', () => {
    for (const name of ['worker', 'api', 'migrate']) {
      const { command, environment = {} } = project.services[name] as Service;
      if (command) expect(existsSync(join(ROOT, command[1] ?? '')), name).toBe(true);
      const { temporal, databaseUrl = '' } = loadConfig(environment);
      expect(temporal.connectionOptions.address).toBe('temporal:7233');
      expect(new URL(databaseUrl)).toMatchObject({ hostname: 'postgres', username: 'postcall', pathname: '/postcall' });
    }
  });

  test('makes databases for Temporal and for the product, which each of them owns, and reaches with the password', async () => {
    const server = await startPrivatePostgres();
    onTestFinished(() => server.remove());
    const script = join(await temporaryFolder(), 'databases.sh');
    await writeFile(script, project.configs.databases?.content ?? '');
    const { hostname, port } = new URL(server.url);
    await mustRun('sh', [script], { ...PASSWORDS, PGHOST: hostname, PGPORT: port });
    await demandPasswords(server.url);

    const temporal = project.services.temporal?.environment ?? {};
    for (const database of ['temporal', 'temporal_visibility']) {
      const { POSTGRES_USER: user, POSTGRES_PWD: password } = temporal;
      const client = new pg.Client({ host: hostname, port: Number(port), user, password, database });
      await client.connect();
      try {
        await client.query('create table t (); drop table t');
      } finally {
        await client.end();
      }
    }

    const { command, environment = {} } = project.services.migrate as Service;
    const [program = '', path = '', ...args] = command ?? [];
    const url = Object.assign(new URL(environment.DATABASE_URL ?? ''), { hostname, port });
    await mustRun(program, [join(ROOT, path), ...args], { ...environment, DATABASE_URL: url.href });
    const wrong = mustRun(program, [join(ROOT, path), ...args], { DATABASE_URL: url.href, PGPASSWORD: 'another' });
    await expect(wrong).rejects.toThrow('password');
  });
});

/** From everybody but the superuser, as the image does from all. */
async function demandPasswords(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ hba_file: string }>('show hba_file');
    const lines = ['host all postgres all trust', 'host all all all scram-sha-256', ''];
    await writeFile(rows[0]?.hba_file ?? '', lines.join('\n'));
    await client.query('select pg_reload_conf()');
  } finally {
    await client.end();
  }
}
