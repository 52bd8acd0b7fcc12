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
const PASSWORDS = { POSTGRES_PASSWORD: "it's-secret", GRAFANA_PASSWORD: 'secret' };

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
    project = JSON.parse(output) as Project;
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
      const { temporal, databaseUrl } = loadConfig({
        ...environment,
        DATABASE_URL: 'postgres://postcall@postgres/postcall',
      });
      expect(temporal.connectionOptions.address).toBe('temporal:7233');
      expect(databaseUrl).toBeDefined();
    }
  });

  test('makes databases for Temporal and for the product, which each of them owns', async () => {
    const server = await startPrivatePostgres();
    onTestFinished(() => server.remove());
    const script = join(await temporaryFolder(), 'databases.sh');
    // What compose has escaped for itself.
    await writeFile(script, (project.configs.databases?.content ?? '').replaceAll('$$', '$'));
    const { hostname, port } = new URL(server.url);
    await mustRun('sh', [script], { ...PASSWORDS, PGHOST: hostname, PGPORT: port });

    for (const [user, database] of [
      ['temporal', 'temporal'],
      ['temporal', 'temporal_visibility'],
      ['postcall', 'postcall'],
    ]) {
      const client = new pg.Client({ host: hostname, port: Number(port), user, database });
      await client.connect();
      try {
        await client.query('create table t (); drop table t');
      } finally {
        await client.end();
      }
    }
  });
});
