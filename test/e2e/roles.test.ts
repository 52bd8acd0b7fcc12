import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { runCli } from '../integration/client/run-cli.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { Program } from '../support/program.js';
import { DATA_RIGHTS, databaseWithRole, queryOnce } from '../support/roles.js';
import { freshTaskQueue } from '../support/temporal.js';

const WARN = 40;
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.remove());

const environment = (databaseUrl: string) => ({
  NODE_ENV: 'production',
  TEMPORAL_ADDRESS: inject('temporalAddress'),
  TEMPORAL_TASK_QUEUE: freshTaskQueue(),
  DATABASE_URL: databaseUrl,
  PORT: '0',
});

const migrate = (databaseUrl: string, ...args: string[]) =>
  runCli(['migrate', ...args], { env: { DATABASE_URL: databaseUrl } });

test('the owner migrates; worker and API then start with a role that may only read and write', async () => {
  const { owner, role, as } = await databaseWithRole(server);
  expect(await migrate(owner)).toMatchObject({ exitCode: 0, stdout: 'the tables were created\n' });
  expect(await migrate(owner, '--json')).toMatchObject({ exitCode: 0, stdout: '{"found":"current"}\n' });
  await queryOnce(owner, `${DATA_RIGHTS} to ${role}`);
  const worker = Program.run('worker/main.js', [], environment(as));
  const api = Program.run('api/main.js', [], environment(as));
  await Promise.all([worker.printed('the worker runs'), api.printed('the API runs')]);
});

describe.each(['worker/main.js', 'api/main.js'])('%s', (program) => {
  test('exits with 1 and says which rights are missing', async () => {
    const { owner, role, as } = await databaseWithRole(server);
    await migrate(owner);
    await queryOnce(owner, `grant select on all tables in schema public to ${role}`);
    const process = Program.run(program, [], environment(as));
    expect((await process.exited).code).toBe(1);
    expect(process.output).toContain('INSERT, UPDATE, DELETE on webhooks');
    expect(process.output).not.toMatch(/^\s+at /m);
  });

  test('exits with 1 and says that somebody else must migrate', async () => {
    const { as } = await databaseWithRole(server);
    const process = Program.run(program, [], environment(as));
    expect((await process.exited).code).toBe(1);
    expect(process.output).toContain('postcall migrate');
  });

  test.each([
    ['a wrong setting', { LOG_LEVEL: 'loud' }, /LOG_LEVEL must be/],
    ['a database that is away', { DATABASE_URL: 'postgres://127.0.0.1:1/none' }, /ECONNREFUSED/],
    ['a codec module that is not there', { POSTCALL_CODEC_MODULE: './none.mjs' }, /POSTCALL_CODEC_MODULE/],
    ['a port that is taken', { PORT: 'taken', POSTCALL_METRICS_PORT: 'taken' }, /EADDRINUSE/],
  ])('tells of %s in one JSON line, and exits with 1', async (_what, wrong, message) => {
    const taken = new URL(server.url).port;
    const settings = Object.entries({ ...environment(await server.createDatabase()), ...wrong });
    const env = Object.fromEntries(settings.map(([name, value]) => [name, value === 'taken' ? taken : value]));
    const process = Program.run(program, [], env);
    expect((await process.exited).code).toBe(1);
    const lines = process.output.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line)).filter(({ level }) => level >= WARN)).toHaveLength(1);
    expect(lines.at(-1)).toMatch(message);
  });

  test('names a variable that nothing reads, and runs', async () => {
    const process = Program.run(program, [], {
      ...environment(await server.createDatabase()),
      CALLS_URI: 'http://calls',
    });
    await process.printed(/CALLS_URI is not a variable/);
    await process.printed(/the (worker|API) runs/);
  });
});
