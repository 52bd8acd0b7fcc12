import { expect, test } from 'vitest';
import { PLANNING } from '../../../store/planning.js';
import { pruneStatement } from '../../../store/prune.js';
import { attempted, describeStores, openRequest, register, unique } from '../../support/stores.js';

const LONG_AGO = '2020-01-01T00:00:00Z';
const BEFORE = new Date('2021-01-01T00:00:00Z');

describeStores('prune', (harness) => {
  const finish = (batchId: string, at: string) =>
    harness().query('update batches set finished_at = $2 where batch_id = $1', [batchId, at]);

  async function finishedBatch(
    at: string,
    calls: number,
  ): Promise<{ user_id: string; call_ids: string[]; batch_id: string }> {
    const { store } = harness();
    const user_id = unique('user');
    const call_ids = Array.from({ length: calls }, () => unique('call'));
    const { part } = await register(store, { user_id, call_ids });
    await Promise.all(call_ids.map((call_id) => attempted(store, { batch_id: part.batch_id, user_id, call_id })));
    await finish(part.batch_id, at);
    return { user_id, call_ids, batch_id: part.batch_id };
  }

  const standing = async ({ user_id, call_ids }: { user_id: string; call_ids: string[] }) =>
    (await Promise.all(call_ids.map((call_id) => harness().store.getWebhook(user_id, call_id)))).filter(Boolean).length;

  test('removes what finished batches have left, counted before, and nothing else', async () => {
    const { store } = harness();
    const old = [await finishedBatch(LONG_AGO, 3), await finishedBatch(LONG_AGO, 1)];
    const recent = await finishedBatch('2021-06-01T00:00:00Z', 1);
    const { ref } = await register(store);
    await store.openAttempt(openRequest(ref));
    const finished_before = BEFORE;
    expect(await store.prune({ finished_before, dry_run: true })).toEqual({ batches: 2, webhooks: 4 });
    expect(await store.prune({ finished_before })).toEqual({ batches: 2, webhooks: 4 });
    expect(await store.prune({ finished_before, dry_run: true })).toEqual({ batches: 0, webhooks: 0 });
    expect(await Promise.all([...old, recent].map(standing))).toEqual([0, 0, 1]);
    expect(await store.getWebhook(ref.user_id, ref.call_id)).toMatchObject({ status: 'pending' });
  });

  test('counts and removes more than a statement takes', async () => {
    const { store, query } = harness();
    const prefix = unique('b');
    await query(
      `insert into batches (batch_id, workflow_id, user_id, send_type, total, registered, accepted_at, finished_at)
       select $1 || n, 'w', 'u', 'create', 1, 1, $2::timestamptz, $2::timestamptz from generate_series(1, 1100) n`,
      [prefix, LONG_AGO],
    );
    await query(
      `insert into webhooks (user_id, call_id, id, url, endpoint, batch_id, status, created_at, accepted_at, settled_at)
       select 'u', $1 || n, $1 || n, 'https://example.com', 'e', $1 || n, 'delivered', $2::timestamptz, $2::timestamptz, $2::timestamptz
       from generate_series(1, 1100) n`,
      [prefix, LONG_AGO],
    );
    expect(await store.prune({ finished_before: BEFORE, dry_run: true })).toEqual({ batches: 1_100, webhooks: 1_100 });
    const chunk = await store.pruneSome({ finished_before: BEFORE });
    expect(chunk.webhooks).toBeLessThan(1_100);
    expect(chunk.webhooks).toBeGreaterThan(0);
    const rest = await store.prune({ finished_before: BEFORE });
    expect(chunk.webhooks + rest.webhooks).toBe(1_100);
  });

  test('finds its batches in the order of their index, and their webhooks and attempts by theirs', async () => {
    const { query } = harness();
    const values = pruneStatement.valuesOf([{ finished_before: BEFORE.getTime() }]);
    const typed = values.map(([value]) => `array[${value}]::float8[]`);
    const text = pruneStatement.text.replace('$1::float8[]', typed[0] as string);
    await query(`insert into batches (batch_id, workflow_id, user_id, send_type, total, accepted_at, finished_at)
      select 'b_old.' || n, 'w-old', 'u-old', 'create', 1, '2020-01-01', timestamptz '2020-01-01' + n * interval '1 second'
      from generate_series(1, 5000) n`);
    await query('analyze batches');
    // As the store's own sessions have it.
    for (const [name, value] of Object.entries(PLANNING)) await query(`set ${name} = ${value}`);
    const rows = await query<{ 'QUERY PLAN': string }>(`explain ${text}`);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    for (const index of ['batches_finished', 'webhooks_batch', 'attempts_webhook']) expect(plan).toContain(index);
    expect(plan).not.toMatch(/Seq Scan on (batches|webhooks|attempts)/);
    expect(plan).toMatch(
      /CTE old\n +-> +Limit[^\n]*\n[^\n]*InitPlan[^\n]*\n[^\n]*\n +-> +Index (Only )?Scan using batches_finished/,
    );
  });
});
