import { spawnSync } from 'node:child_process';
import pg from 'pg';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { freePort } from '../../contract/free-port.js';
import { ApiProcesses } from '../support/api-processes.js';
import { answer } from '../support/behaviours.js';
import { mustRun } from '../support/deploy-tools.js';
import { ROOT, textOf } from '../support/documents.js';
import { startPostgres } from '../support/postgres.js';
import { Prometheus } from '../support/prometheus.js';
import { Receiver } from '../support/receiver.js';
import { freshTaskQueue } from '../support/temporal.js';
import { WorkerProcess } from '../support/worker-process.js';

const RULES = 'deploy/prometheus/rules.yml';
const UNIT_TESTS = 'deploy/prometheus/rules.test.yml';
const PATIENCE = { timeout: 90_000, interval: 500 };
const USER = 'acme';

const namesIn = (text: string, key: string): Set<string> =>
  new Set([...text.matchAll(new RegExp(`${key}: (Postcall\\w+)`, 'g'))].map(([, name = '']) => name));

/** The tests that need no Prometheus run everywhere. */
const isInstalled = spawnSync('promtool', ['--version']).status === 0;

describe('the rules', () => {
  test.skipIf(!isInstalled)('are understood by promtool, and do what their unit tests say', async () => {
    expect(await mustRun('promtool', ['check', 'rules', `${ROOT}/${RULES}`])).toContain('SUCCESS');
    expect(await mustRun('promtool', ['test', 'rules', `${ROOT}/${UNIT_TESTS}`])).toContain('SUCCESS');
  });

  test('have a unit test each in which the alert fires', () => {
    const fires = [...textOf(UNIT_TESTS).matchAll(/alertname: (\w+)\n +exp_alerts:\n +- /g)].map(([, name]) => name);
    expect([...new Set(fires)].sort()).toEqual([...namesIn(textOf(RULES), 'alert')].sort());
  });

  test('each say how urgent they are, and what to do', () => {
    const alerts = textOf(RULES).split('- alert: ').slice(1);
    for (const alert of alerts) expect(alert).toMatch(/severity: (page|ticket)[\s\S]*summary: [\s\S]*description: /);
  });
});

/** The database, the API and its Prometheus; calls are read from `calls`, and sent to `receiver`. */
async function running() {
  const postgres = await startPostgres();
  onTestFinished(() => postgres.remove());
  const databaseUrl = await postgres.createDatabase();
  const [calls, receiver, workerPort] = await Promise.all([Receiver.start(), Receiver.start(), freePort()]);
  for (const server of [calls, receiver]) onTestFinished(() => server.close());
  calls.behaviour = answer(200, { 'content-type': 'application/json' }, '{"summary":"Wants a call back."}');
  const environment = {
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_TASK_QUEUE: freshTaskQueue(),
    DATABASE_URL: databaseUrl,
    CALLS_URL: calls.url,
    POSTCALL_ALLOW_NETWORKS: '127.0.0.0/8',
    POSTCALL_METRICS_PORT: String(workerPort),
    POSTCALL_RETRY_SCHEDULE: '1h',
  };
  const api = await ApiProcesses.start(1, USER, environment);
  const prometheus = await Prometheus.start([new URL(api.origin(0)).host, `127.0.0.1:${workerPort}`]);
  const database = new pg.Pool({ connectionString: databaseUrl });
  onTestFinished(() => database.end());
  const create = api.starter({ getHandle: (batchId: string) => batchId } as never);
  return {
    calls,
    receiver,
    prometheus,
    startWorker: () => WorkerProcess.start(environment),
    change: (statement: string) => database.query(statement),
    create: (call_ids: string[], path = '/hook') =>
      create({ user_id: USER, call_ids, webhook_url: receiver.urlFor('127.0.0.1', path) }),
  };
}

describe.skipIf(!isInstalled)('Prometheus, beside the product', () => {
  test('says that no worker polls while work waits, and no more when one does', async () => {
    const { create, prometheus, startWorker } = await running();
    await create(['c-1']);
    await expect.poll(() => prometheus.firing('page'), PATIENCE).toEqual(['PostcallNoWorker']);
    await startWorker();
    await expect.poll(() => prometheus.firing(), PATIENCE).toEqual([]);
  });

  test('says that an endpoint is down for an hour, without paging; every query of the dashboard answers', async () => {
    const { create, prometheus, receiver, startWorker, change } = await running();
    await startWorker();
    await create(['delivered-1', 'delivered-2']);
    await expect.poll(() => receiver.requests.length).toBe(2);
    receiver.behaviour = answer(503);
    await create(Array.from({ length: 15 }, (_, index) => `c-${index}`));
    const down = () => prometheus.query('max(postcall_endpoints_down) == 1');
    await expect.poll(async () => (await down()).length, PATIENCE).toBe(1);
    await expect.poll(() => prometheus.firing(), PATIENCE).toEqual([]);
    await change(`update endpoints set since = now() - interval '61 minutes' where state = 'down'`);
    await expect.poll(() => prometheus.firing(), PATIENCE).toEqual(['PostcallEndpointDown']);

    for (const expression of dashboardQueries()) {
      const answered = async () => (await prometheus.query(expression)).length;
      await expect.poll(answered, { ...PATIENCE, message: expression }).toBeGreaterThan(0);
    }
  });

  test('says that a webhook is overdue while calls cannot be read, and not for one whose endpoint is down', async () => {
    const { calls, create, prometheus, receiver, startWorker, change } = await running();
    await startWorker();
    receiver.behaviour = answer(503);
    await create(Array.from({ length: 15 }, (_, index) => `c-${index}`));
    await expect
      .poll(async () => (await prometheus.query('max(postcall_endpoints_down) == 1')).length, PATIENCE)
      .toBe(1);
    const aged = (what: string) => `update webhooks set accepted_at = now() - interval '11 minutes', ${what}`;
    await change(aged(`next_attempt_at = now() - interval '11 minutes' where status = 'retrying'`));
    await change(aged(`waiting_since = null where status = 'pending'`));
    calls.behaviour = answer(503);
    await create(['unread'], '/other');
    const registered = async () => (await change(`select from webhooks where call_id = 'unread'`)).rowCount;
    await expect.poll(registered).toBe(1);
    await change(`update endpoints set since = now() - interval '11 minutes' where state = 'up'`);
    await expect.poll(() => prometheus.firing(), PATIENCE).toEqual([]);
    await change(aged(`waiting_since = null where call_id = 'unread'`));
    await expect.poll(() => prometheus.firing('page'), PATIENCE).toEqual(['PostcallOverdue']);
  });
});

/** Of all panels, as Grafana would send them. */
function dashboardQueries(): string[] {
  const { panels } = JSON.parse(textOf('deploy/grafana/postcall.json')) as {
    panels: { targets: { expr: string }[] }[];
  };
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m')));
}
