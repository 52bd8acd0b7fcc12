import { expect, test } from 'vitest';
import { attempted, describeStores, openRequest, register, unique } from '../../support/stores.js';

interface Scans {
  relname: string;
  seq_scan: number;
  idx_scan: number;
}

describeStores('statements that were planned while the tables were empty', (harness) => {
  const scans = () =>
    harness().query<Scans>(
      `select relname, seq_scan::integer, idx_scan::integer from pg_stat_user_tables
       where relname in ('attempts', 'batches', 'calls', 'endpoints', 'rejections', 'webhooks') order by relname`,
    );

  /** Everything that workers, clients and the API ask of a batch. */
  async function useAll(user_id: string): Promise<void> {
    const { store } = harness();
    const call_ids = Array.from({ length: 20 }, () => unique('call'));
    await store.upsertCalls(call_ids.slice(1).map((call_id) => ({ call_id, user_id, data: { call_id } })));
    const { part } = await register(store, { user_id, call_ids, calls: true });
    const ref = (call_id: string) => ({ batch_id: part.batch_id, user_id, call_id });
    const [, open = '', waits = '', held = '', ...others] = call_ids;
    await store.openAttempt(openRequest(ref(open)));
    await attempted(store, ref(waits), { response_code: 500 });
    await Promise.all([open, waits, held].map((call_id) => store.readStanding(ref(call_id))));
    await store.storePayload({ ...ref(held), payload: '{}' });
    await Promise.all(others.map((call_id) => attempted(store, ref(call_id))));
    await register(store, { ...part, calls: true });
    await register(store, { user_id, call_ids: others, send_type: 'resend' });
    await store.claimWaiting({ user_id, url: 'https://example.com/hook', limit: 10 });
    await store.claimProbes({ shortest_ms: 1, longest_ms: 1 });
    await store.firstAttemptsMade([part.batch_id]);
    await store.readBatch(user_id, part.batch_id);
    await store.failUnsettled({ batch_id: part.batch_id, reason: 'terminated' });
    await store.findUnfinished([`postcall-${part.batch_id}`]);
    await store.listEndpoints({ user_id, limit: 10 });
    await store.checkpoint({ batches: [], endpoints: [{ user_id, key: '0'.repeat(16) }] });
    await store.listBatchWebhooks({ user_id, batch_id: part.batch_id, limit: 10 });
    await store.listFailedWebhooks({ user_id, since: '2026-01-01T00:00:00Z', limit: 10 });
    await store.prune({ finished_before: new Date(0) });
  }

  test('go through the indexes', async () => {
    const before = await scans();
    const user_id = unique('user');
    for (let round = 0; round < 10; round += 1) await useAll(user_id);
    // The server counts a session's scans some time after they were made.
    await expect.poll(async () => (await scans()).every(({ idx_scan }) => idx_scan >= 10)).toBe(true);
    const sequential = (rows: Scans[]) => rows.map(({ relname, seq_scan }) => ({ relname, seq_scan }));
    expect(sequential(await scans())).toEqual(sequential(before));
  });
});
