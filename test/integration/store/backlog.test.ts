import pg from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import { countStatement, downStatement, overdueStatement } from '../../../store/backlog.js';
import { openStore } from '../../../store/index.js';
import { PLANNING } from '../../../store/planning.js';
import { startPostgres } from '../../support/postgres.js';
import { attempted, describeStores, mustOpen, openRequest, register } from '../../support/stores.js';

const HOUR_MS = 3_600_000;

describeStores('the backlog', (harness) => {
  const query = (text: string, values?: unknown[]) => harness().query(text, values);
  const backlog = () => harness().store.readBacklog();

  beforeEach(async () => {
    await query('truncate batches, webhooks, attempts, endpoints');
  });

  /** A call that was accepted an hour ago, at an endpoint that is up for as long. */
  async function waiting(url: string, { failed = false } = {}) {
    const accepted_at = Date.now() - HOUR_MS;
    const { ref } = await register(harness().store, { webhook_url: url, accepted_at });
    if (failed) await attempted(harness().store, ref, { response_code: 500 });
    await query(`update endpoints set since = now() - interval '1 hour', state = 'up' where url = $1`, [url]);
    return ref;
  }
  const overdueMinutes = async () => Math.round((await backlog()).oldest_overdue_ms / 60_000);

  test('of an empty store is empty', async () => {
    expect(await backlog()).toEqual({
      pending: 0,
      retrying: 0,
      oldest_overdue_ms: 0,
      endpoints_down: 0,
      longest_endpoint_down_ms: 0,
    });
  });

  test('counts what is not settled', async () => {
    await waiting('https://example.com/a');
    await waiting('https://example.com/b', { failed: true });
    const { store } = harness();
    await attempted(store, (await register(store)).ref);
    expect(await backlog()).toMatchObject({ pending: 1, retrying: 1 });
  });

  test('is overdue since its acceptance where nothing was tried, and since its time where something was', async () => {
    const untried = await waiting('https://example.com/a');
    expect(await overdueMinutes()).toBe(60);
    await query(`delete from webhooks where call_id = $1`, [untried.call_id]);
    await waiting('https://example.com/b', { failed: true });
    expect(await overdueMinutes()).toBe(0);
    await query(`update webhooks set next_attempt_at = now() - interval '20 minutes'`);
    expect(await overdueMinutes()).toBe(20);
  });

  test.each([
    ['its batch is paused', 'update batches set paused_since = now()'],
    ['its endpoint is down', `update endpoints set state = 'down'`],
    ['its endpoint is gone', `update endpoints set state = 'gone'`],
    ['its endpoint has just come back', `update endpoints set since = now() - interval '1 minute'`],
    ['Retry-After holds it', `update webhooks set not_before = now() + interval '1 hour'`],
  ])('is not overdue while %s, and others are all the same', async (_why, change) => {
    await waiting('https://example.com/a', { failed: true });
    await query(`update webhooks set next_attempt_at = now() - interval '40 minutes'`);
    await query(change);
    expect(await overdueMinutes()).toBe(0);
    await waiting('https://example.com/other');
    expect(await overdueMinutes()).toBe(60);
  });

  test('counts an endpoint that is down as long as somebody waits for it', async () => {
    const { call_id } = await waiting('https://example.com/a');
    await waiting('https://example.com/b', { failed: true });
    await waiting('https://example.com/up', { failed: true });
    await query(`update endpoints set state = 'down', since = now() - interval '2 hours' where url like '%/a'`);
    await query(`update endpoints set state = 'down', since = now() - interval '1 hour' where url like '%/b'`);
    expect(await backlog()).toMatchObject({ endpoints_down: 2 });
    expect(Math.round((await backlog()).longest_endpoint_down_ms / HOUR_MS)).toBe(2);
    await query(`update webhooks set status = 'canceled' where call_id = $1`, [call_id]);
    expect(await backlog()).toMatchObject({ endpoints_down: 1 });
    expect(Math.round((await backlog()).longest_endpoint_down_ms / HOUR_MS)).toBe(1);
  });

  test('tells of each interrupted attempt once, be it to one of several that listen', async () => {
    const { store } = harness();
    const interrupted = async () => {
      const { ref } = await register(store, { webhook_url: 'https://example.com/c' });
      await mustOpen(store, openRequest(ref));
      await query(`update attempts set deadline = now() - interval '1 second'`);
      expect(await store.readStanding(ref)).toEqual({ kind: 'interrupted' });
      expect(await store.readStanding(ref)).toEqual({ kind: 'interrupted' });
      return { ...ref, url: 'https://example.com/c', step: 0 };
    };
    const told: unknown[] = [];
    const listen = () => store.onInterrupted((attempts) => told.push(...attempts));
    const forgets = [listen(), listen()];
    const first = await interrupted();
    expect(told).toEqual([first]);
    forgets[0]?.();
    const second = await interrupted();
    expect(told).toEqual([first, second]);
    forgets[1]?.();
  });
});

/** What fits in a minute here; ten millions were tried by hand (docs/observability.md). */
const WEBHOOKS = 4_000_000;
const UNSETTLED = 100_000;

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Heap Fetches'?: number;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: Plan[];
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

describe(`the backlog of a store of ${WEBHOOKS} webhooks, ${UNSETTLED} of them unsettled`, () => {
  test('is read from the indexes of what is unsettled alone', { timeout: 400_000 }, async () => {
    await using postgres = await startPostgres();
    const databaseUrl = await postgres.createDatabase();
    await (await openStore({ databaseUrl })).close();
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    for (const [name, value] of Object.entries(PLANNING)) await client.query(`set ${name} = ${value}`);
    try {
      await fill(client);
      for (const { text } of [countStatement, overdueStatement, downStatement]) {
        const { rows } = await client.query(`explain (analyze, buffers, format json) ${text}`);
        const [{ Plan: plan }] = rows[0]['QUERY PLAN'] as [{ Plan: Plan }];
        const scans = nodesOf(plan).filter((node) => node['Node Type'].endsWith('Scan'));
        const ofWebhooks = scans.filter((node) => node['Relation Name'] === 'webhooks');
        expect(ofWebhooks.length).toBeGreaterThan(0);
        for (const scan of ofWebhooks)
          expect(scan).toMatchObject({ 'Node Type': 'Index Only Scan', 'Heap Fetches': 0 });
        expect(scans.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([]);
        // The table alone has a hundred thousand.
        expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThan(10_000);
      }
    } finally {
      await client.end();
    }
  });
});

/** Indexes are built when the rows are there: that takes a fraction of the time. */
async function fill(client: pg.Client): Promise<void> {
  const { rows: indexes } = await client.query<{ name: string; definition: string }>(
    `select indexname as name, indexdef as definition from pg_indexes
     where tablename = 'webhooks' and indexname not in (select conname from pg_constraint)`,
  );
  await client.query(`set synchronous_commit = off; set maintenance_work_mem = '256MB'`);
  for (const { name } of indexes) await client.query(`drop index ${name}`);
  const settled = WEBHOOKS - UNSETTLED;
  await client.query(`
    insert into webhooks (user_id, call_id, id, url, endpoint, batch_id, status, next_attempt_at, waiting_since, created_at, accepted_at)
    select 'u', n, n, 'https://example.com/', lpad(to_hex(n % 10000), 16, '0'), 'b-' || n / 100,
      case when n <= ${settled} then 'delivered' when n % 2 = 0 then 'pending' else 'retrying' end,
      now() + (n % 7200 - 3600) * interval '1 second', now(), now(), now()
    from generate_series(1, ${WEBHOOKS}) n`);
  for (const { definition } of indexes) await client.query(definition);
  await client.query(`
    insert into endpoints (key, user_id, url, state, since)
    select lpad(to_hex(n), 16, '0'), 'u', 'https://example.com/', case when n % 10 = 0 then 'down' else 'up' end,
      now() - n * interval '1 minute'
    from generate_series(0, 9999) n`);
  await client.query(`
    insert into batches (batch_id, workflow_id, user_id, send_type, total, registered, accepted_at, paused_since)
    select 'b-' || n, n, 'u', 'create', 100, 100, now(), case when n % 100 = 0 then now() end
    from generate_series(0, ${WEBHOOKS / 100}) n`);
  for (const table of ['webhooks', 'endpoints', 'batches']) await client.query(`vacuum analyze ${table}`);
}
