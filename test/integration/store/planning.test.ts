import { expect, test } from 'vitest';
import { attempted, describeStores, openRequest } from '../../support/stores.js';

interface Scans {
  relname: string;
  seq_scan: number;
  idx_scan: number;
}

describeStores('statements that were planned while the tables were empty', (harness) => {
  const scans = () =>
    harness().query<Scans>(
      `select relname, seq_scan::integer, idx_scan::integer from pg_stat_user_tables
       where relname in ('calls', 'webhooks', 'attempts') order by relname`,
    );

  test('go through the indexes', async () => {
    const { store } = harness();
    const before = await scans();
    for (let round = 0; round < 20; round++) {
      const requests = Array.from({ length: 20 }, () =>
        openRequest({ user_id: 'planner', payload: { from: 'calls' } }),
      );
      await store.upsertCalls(requests.map(({ call_id }) => ({ call_id, user_id: 'planner', data: { call_id } })));
      await Promise.all(requests.map((request) => attempted(store, request)));
    }
    // The server counts a session's scans some time after they were made.
    await expect.poll(async () => (await scans()).every(({ idx_scan }) => idx_scan >= 400)).toBe(true);
    const sequential = (rows: Scans[]) => rows.map(({ relname, seq_scan }) => ({ relname, seq_scan }));
    expect(sequential(await scans())).toEqual(sequential(before));
  });
});
