import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { freePort } from '../../../contract/free-port.js';
import { SEARCH_ATTRIBUTE_TYPES } from '../../../contract/index.js';
import { openStore } from '../../../store/index.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { Program } from '../../support/program.js';
import { DATA_RIGHTS, databaseWithRole, queryOnce } from '../../support/roles.js';
import { startTestStack } from '../../support/stack.js';
import { freshTaskQueue, startOwnTemporalServer } from '../../support/temporal.js';
import { jsonLines, runCli } from './run-cli.js';

interface Diagnosis {
  works: boolean;
  checks: { name: string; status: string; message: string; remedy?: string }[];
}

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.remove());

async function doctor(env: NodeJS.ProcessEnv, ...args: string[]) {
  const { exitCode, stdout } = await runCli(['doctor', '--json', ...args], { env });
  const [diagnosis] = jsonLines(stdout) as [Diagnosis];
  const checksOf = (name: string) => diagnosis.checks.filter((check) => check.name === name);
  return { exitCode, works: diagnosis.works, checks: diagnosis.checks, of: (name: string) => checksOf(name)[0] };
}

/** A call source that gives every request this answer; returns its URL. */
async function startSource(status: number): Promise<string> {
  const source = createServer((_, response) => response.writeHead(status).end()).listen(0, '127.0.0.1');
  onTestFinished(() => void source.close());
  await once(source, 'listening');
  return `http://127.0.0.1:${(source.address() as AddressInfo).port}/calls`;
}

const failing = ({ checks }: Pick<Diagnosis, 'checks'>) =>
  checks.filter(({ status }) => status === 'failed').map(({ name }) => name);

describe('postcall doctor', { timeout: 120_000 }, () => {
  test('finds nothing wrong where all is there, and exits with 0', async () => {
    const databaseUrl = await server.createDatabase();
    const { environment, receiver } = await startTestStack({ environment: { DATABASE_URL: databaseUrl } });
    const found = await doctor(environment, '--url', receiver.url);
    expect(failing(found)).toEqual([]);
    expect([found.exitCode, found.works]).toEqual([0, true]);
    const names = ['temporal', 'namespace', 'task_queue', 'build', 'search_attributes', 'database', 'schema', 'rights'];
    for (const name of [...names, 'clock', 'secrets', 'call_source', 'egress', 'configuration']) {
      expect(found.of(name), name).toMatchObject({ status: 'ok' });
    }
    expect(receiver.requests).toEqual([]);
    expect((await runCli(['doctor'], { env: environment })).stdout).toMatch(/^ok +task_queue +1 worker polls/m);
  });

  test('says what is stored in the clear, and which variable nothing reads', async () => {
    const databaseUrl = await server.createDatabase();
    const store = await openStore({ databaseUrl });
    await store.createSigningSecret('u-1');
    await store.close();
    const found = await doctor({ DATABASE_URL: databaseUrl, CALLS_URI: 'x', TEMPORAL_PORT: String(await freePort()) });
    expect(found.of('secrets')).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('signing_secrets'),
    });
    expect(found.of('configuration')).toMatchObject({ status: 'warning', message: 'nothing reads CALLS_URI' });
  });

  test('exits with 1 where nothing is there, and says of each what to do', async () => {
    const port = String(await freePort());
    const url = new URL(server.url);
    url.port = '1';
    const found = await doctor({ TEMPORAL_PORT: port, DATABASE_URL: url.href });
    expect([found.exitCode, found.works]).toEqual([1, false]);
    expect(failing(found)).toEqual(['temporal', 'database']);
    expect(found.of('temporal')).toMatchObject({ remedy: expect.stringContaining('TEMPORAL_ADDRESS') });
    expect(found.of('database')).toMatchObject({
      message: expect.stringContaining('ECONNREFUSED'),
      remedy: expect.stringContaining('DATABASE_URL'),
    });
  });

  test('says that no worker polls, that a namespace is missing, and that no build is current', async () => {
    const env = {
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_TASK_QUEUE: freshTaskQueue(),
      DATABASE_URL: await server.createDatabase(),
    };
    expect(failing(await doctor(env))).toEqual(['task_queue', 'schema']);
    expect(failing(await doctor({ ...env, TEMPORAL_NAMESPACE: 'elsewhere' }))).toEqual(['namespace', 'schema']);
    const versioned = { ...env, TEMPORAL_WORKER_BUILD_ID: '1.0', TEMPORAL_DEPLOYMENT_NAME: env.TEMPORAL_TASK_QUEUE };
    expect((await doctor({ ...env, POSTCALL_RETENTION: '90d' })).of('pruning')).toMatchObject({
      status: 'warning',
      remedy: 'npx postcall setup',
    });
    expect((await doctor(versioned)).of('build')).toMatchObject({
      status: 'failed',
      remedy: expect.stringContaining('set-current-version'),
    });
  });

  test('says which build waits, and that the current one has no workers', async () => {
    const environment = { TEMPORAL_DEPLOYMENT_NAME: `deployment-${freshTaskQueue()}`, TEMPORAL_WORKER_BUILD_ID: '1.0' };
    const stack = await startTestStack({ worker: false, environment });
    const { workflowService } = stack.connection;
    const makeCurrent = (buildId: string, allowNoPollers = false) => {
      const set = { namespace: 'default', deploymentName: environment.TEMPORAL_DEPLOYMENT_NAME, buildId };
      return workflowService.setWorkerDeploymentCurrentVersion({ ...set, allowNoPollers }).then(
        () => 'current',
        (error: Error) => error.message,
      );
    };
    const build = async () => {
      const env = { TEMPORAL_ADDRESS: inject('temporalAddress'), TEMPORAL_TASK_QUEUE: stack.taskQueue };
      return (await doctor({ ...env, DATABASE_URL: 'postgres://127.0.0.1:1/x' })).of('build');
    };

    await stack.startWorker();
    await expect.poll(() => makeCurrent('1.0')).toBe('current');
    await expect.poll(build, { timeout: 60_000 }).toMatchObject({ status: 'ok' });
    await stack.startWorker({ environment: { TEMPORAL_WORKER_BUILD_ID: '2.0' } });
    await expect.poll(build, { timeout: 60_000 }).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/^2\.0 of .* waits: 1\.0 is current, and gets the work$/),
      remedy: expect.stringContaining('--build-id 2.0'),
    });
    await stack.stopWorkers();

    await expect.poll(() => makeCurrent('3.0', true)).toBe('current');
    expect(await build()).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(/^3\.0 of .* is current, and no worker of it polls: nothing is delivered$/),
      remedy: expect.stringContaining('start workers of it'),
    });
  });

  test('says which search attributes are missing or have another type, and its remedies end both', async () => {
    const { address } = await startOwnTemporalServer({ searchAttributes: false });
    const connection = await Connection.connect({ address });
    onTestFinished(() => connection.close());
    const env = { TEMPORAL_ADDRESS: address, DATABASE_URL: 'postgres://127.0.0.1:1/x' };
    const check = async (more = {}) => (await doctor({ ...env, ...more })).of('search_attributes');

    expect(await check()).toEqual({
      name: 'search_attributes',
      status: 'warning',
      message: `not registered, so that workflows start without any: ${Object.keys(SEARCH_ATTRIBUTE_TYPES).join(', ')}`,
      remedy: 'npx postcall setup, or POSTCALL_SEARCH_ATTRIBUTES=off',
    });
    expect(await check({ POSTCALL_SEARCH_ATTRIBUTES: 'off' })).toMatchObject({ status: 'ok' });

    const { Text, Int } = { Text: 1, Int: 3 };
    const searchAttributes = { PostcallState: Text, PostcallCalls: Int };
    await connection.operatorService.addSearchAttributes({ namespace: 'default', searchAttributes });
    expect(await check()).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/another type.*: PostcallState must be a Keyword$/),
      remedy: expect.stringMatching(/search-attribute remove .*--name PostcallState, then npx postcall setup$/),
    });

    await connection.operatorService.removeSearchAttributes({
      namespace: 'default',
      searchAttributes: ['PostcallState'],
    });
    expect((await runCli(['setup'], { env })).stdout).toContain('PostcallState');
    expect(await check()).toMatchObject({ status: 'ok' });
    expect((await runCli(['doctor'], { env })).stdout).toMatch(/^ok +search_attributes +all are registered$/m);
  });

  test('looks at schema and rights, and changes nothing', async () => {
    const { owner, role, as } = await databaseWithRole(server);
    const port = { TEMPORAL_PORT: String(await freePort()) };
    expect((await doctor({ ...port, DATABASE_URL: owner })).of('schema')).toMatchObject({
      status: 'failed',
      remedy: expect.stringContaining('postcall migrate'),
    });
    expect(await queryOnce(owner, "select from pg_tables where schemaname = 'public'")).toEqual([]);
    await (await openStore({ databaseUrl: owner })).close();
    await queryOnce(owner, `${DATA_RIGHTS} to ${role}`, `revoke insert on attempts from ${role}`);
    expect((await doctor({ ...port, DATABASE_URL: as })).of('rights')).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('INSERT on attempts'),
      remedy: expect.stringContaining('grant select'),
    });
  });

  test('warns of what will not last: few open files, a clock that is off, open networks', async () => {
    const behind = 'const now = Date.now; Date.now = () => now() - 60_000;';
    const env = {
      TEMPORAL_PORT: String(await freePort()),
      DATABASE_URL: await server.createDatabase(),
      CALLS_URL: 'http://nowhere.invalid/calls',
      CALLS_API_KEY: 'secret',
      POSTCALL_ALLOW_NETWORKS: '0.0.0.0/0',
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(behind)}`,
    };
    const main = fileURLToPath(new URL('../../../dist/client/cli/main.js', import.meta.url));
    const limited = ['ulimit -n 1024; exec "$@"', 'limited', process.execPath, main, 'doctor', '--json'];
    const program = Program.spawn('sh', ['-c', ...limited], env);
    await program.exited;
    const { checks } = JSON.parse(program.output) as Diagnosis;
    const of = (name: string) => checks.find((check) => check.name === name);
    expect(of('file_limits')).toMatchObject({
      status: 'warning',
      message: 'a process started from here may open 1024 files',
      remedy: expect.stringContaining('LimitNOFILE'),
    });
    const ahead = Number(/is (\d+) ms ahead/.exec(of('clock')?.message ?? '')?.[1]);
    expect(of('clock')).toMatchObject({ status: 'warning', remedy: expect.stringContaining('NTP') });
    expect(ahead).toBeGreaterThan(50_000);
    expect(of('egress')).toMatchObject({ status: 'warning', message: expect.stringContaining('0.0.0.0/0') });
    expect(of('call_source')).toMatchObject({ status: 'failed', message: expect.stringContaining('nowhere.invalid') });
  });

  test('warns of what is said without TLS beyond this machine', async () => {
    const source = await startSource(404);
    // Leads to this machine, and does not look like it.
    const elsewhere = (url: string) => Object.assign(new URL(url), { hostname: '0.0.0.0' }).href;
    const found = await doctor({
      TEMPORAL_ADDRESS: inject('temporalAddress').replace('127.0.0.1', '0.0.0.0'),
      TEMPORAL_TASK_QUEUE: freshTaskQueue(),
      DATABASE_URL: elsewhere(await server.createDatabase()),
      CALLS_URL: elsewhere(source),
      CALLS_API_KEY: 'secret',
    });
    for (const name of ['temporal_tls', 'database_tls', 'call_source_tls']) {
      expect(found.of(name), name).toMatchObject({
        status: 'warning',
        message: expect.stringContaining('without TLS'),
      });
    }
  });

  test('asks the call source, and dials endpoints as workers do', async () => {
    const source = await startSource(401);
    const env = {
      TEMPORAL_PORT: String(await freePort()),
      DATABASE_URL: 'postgres://127.0.0.1:1/x',
      CALLS_URL: source,
    };
    const found = await doctor(env, '--url', 'https://127.0.0.1/hook');
    expect(found.of('call_source')).toMatchObject({ status: 'failed', message: expect.stringContaining('401') });
    expect(found.of('egress')).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('is a loopback address'),
    });
    expect((await runCli(['doctor', '--url', 'nowhere'])).exitCode).toBe(2);
  });
});
