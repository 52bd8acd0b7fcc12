import { expect, test } from 'vitest';
import { batchTo, URL_A, URL_B } from '../../support/endpoint-ends.js';
import { describeStores, unique } from '../../support/stores.js';

describeStores('what waits for an endpoint', (harness) => {
  /** A user's webhooks, one batch each, that have failed once and wait, the first one for longest. */
  async function waiting(count: number, interval = '2 hours') {
    const { store } = harness();
    const user_id = unique('user');
    const batches = [];
    for (let made = 0; made < count; made += 1) batches.push(await batchTo(store, user_id));
    for (const { ends } of batches) {
      await age(user_id, '1 second');
      await ends('failed');
    }
    await age(user_id, interval);
    const ids = batches.map(({ ref }) => ref.call_id);
    return { store, user_id, batches, ids };
  }

  /** As if their endpoints had failed for so long, and the webhooks there had waited as long. */
  async function age(user_id: string, interval: string): Promise<void> {
    const { query } = harness();
    const aged = (table: string, column: string) =>
      query(`update ${table} set ${column} = ${column} - $2::interval where user_id = $1`, [user_id, interval]);
    await aged('endpoints', 'failing_since');
    await aged('webhooks', 'waiting_since');
  }

  const pause = (batch_ids: string[], since: 'now()' | 'null') =>
    harness().query(`update batches set paused_since = ${since} where batch_id = any($1)`, [batch_ids]);

  /** Woken so long ago, and not tried. */
  const makeOverdue = (call_ids: string[], interval = '2 minutes') =>
    harness().query('update webhooks set next_attempt_at = now() - $2::interval where call_id = any($1)', [
      call_ids,
      interval,
    ]);

  /** The next probes may be claimed. */
  const makeDue = (user_id: string) =>
    harness().query("update endpoints set next_probe_at = now() - interval '1 second' where user_id = $1", [user_id]);

  const claim = async (user_id: string, limit: number): Promise<string[]> =>
    (await harness().store.claimWaiting({ user_id, url: URL_A, limit })).map(({ call_id }) => call_id);

  /** Whose webhook is claimed as a probe: claims are not of one user alone, and tests share the database. */
  async function probes(user_id: string, shortest_ms = 5_000, longest_ms = 30_000): Promise<string[]> {
    const { store } = harness();
    const { webhooks } = await store.claimProbes({ shortest_ms, longest_ms });
    const found = await Promise.all(webhooks.map(({ call_id }) => store.getWebhook(user_id, call_id)));
    return found.flatMap((webhook) => (webhook ? [webhook.call_id] : []));
  }

  /** Milliseconds from now, which is rounded as the column is. */
  async function nextProbeIn(user_id: string): Promise<number> {
    const rows = await harness().query<{ ms: number }>(
      `select extract(epoch from next_probe_at - clock_timestamp()::timestamptz(3))::float8 * 1000 as ms
       from endpoints where user_id = $1`,
      [user_id],
    );
    return rows[0]?.ms ?? Number.NaN;
  }

  test('is claimed once, and not of a paused batch', async () => {
    const { user_id, store, batches, ids } = await waiting(3);
    const [first, ...others] = batches.map(({ ref }) => ref.batch_id);
    await pause(others, 'now()');
    expect(await store.claimWaiting({ user_id, url: URL_A, limit: 10 })).toEqual([
      { call_id: ids[0], batch_id: first, workflow_id: `postcall-${first}` },
    ]);
    await pause(others, 'null');
    const claimed = (await Promise.all([claim(user_id, 2), claim(user_id, 2)])).flat();
    expect(claimed.toSorted()).toEqual(ids.slice(1).toSorted());
  });

  test('is woken by a delivery after a second, however often it was a probe', async () => {
    const { user_id, batches, ids } = await waiting(2);
    const [probed, delivered] = batches;
    const [call_id = ''] = ids;
    for (let times = 0; times < 15; times += 1) {
      await harness().query("update webhooks set waiting_since = now() - interval '3 hours' where call_id = $1", [
        call_id,
      ]);
      await makeDue(user_id);
      expect(await probes(user_id)).toEqual([call_id]);
      await probed?.ends('failed');
    }
    await delivered?.ends('delivered');
    await age(user_id, '1 second');
    expect(await claim(user_id, 10)).toEqual([call_id]);
  });

  test('must wait twice as long for each delivery that wakes it', async () => {
    const { user_id, batches, ids } = await waiting(1);
    await harness().query('update webhooks set wakes = 9 where user_id = $1', [user_id]);
    expect(await claim(user_id, 10)).toEqual(ids);
    await batches[0]?.ends('failed');
    await age(user_id, '1000 seconds');
    expect(await claim(user_id, 10)).toEqual([]);
    await age(user_id, '24 seconds');
    expect(await claim(user_id, 10)).toEqual(ids);
  });

  test('and is overdue gives way to others, and is claimed once more when none is left', async () => {
    const { user_id, ids } = await waiting(4);
    const [overdue = '', woken = '', ...others] = ids;
    await makeOverdue([overdue]);
    await makeOverdue([woken], '30 seconds');
    expect(await claim(user_id, 1)).toEqual(others.slice(0, 1));
    expect((await claim(user_id, 10)).toSorted()).toEqual([overdue, ...others.slice(1)].toSorted());
    expect(await claim(user_id, 10)).toEqual([]);
  });

  test('probes it by the webhook that has waited longest, and again after the interval', async () => {
    const { store, user_id, batches, ids } = await waiting(2);
    expect(await probes(user_id)).toEqual([ids[0]]);
    expect(await probes(user_id)).toEqual([]);
    await batches[0]?.ends('failed');
    const { endpoints } = await store.listEndpoints({ user_id, limit: 1 });
    expect(endpoints).toMatchObject([{ next_probe_at: expect.any(String) }]);
    const next = await nextProbeIn(user_id);
    expect(next).toBeGreaterThan(0);
    expect(next).toBeLessThanOrEqual(30_000);
  });

  test('probes it once for each interval, however many ask', async () => {
    const { store, user_id } = await waiting(3);
    const other = await batchTo(store, user_id, URL_B);
    await other.ends('failed');
    await age(user_id, '1 hour');
    const rounds = await Promise.all([1, 2, 3].map(() => probes(user_id, 60_000, 60_000)));
    expect(rounds.flat()).toHaveLength(2);
    expect(await probes(user_id, 60_000, 60_000)).toEqual([]);
  });

  test.each([
    { failing: '10 seconds', after_ms: 5_000 },
    { failing: '50 seconds', after_ms: 10_000 },
    { failing: '1 hour', after_ms: 30_000 },
  ])('that has failed for $failing probes it again after $after_ms ms', async ({ failing, after_ms }) => {
    const from = Date.now();
    const { user_id, ids } = await waiting(1, failing);
    expect(await probes(user_id)).toEqual(ids);
    const next = await nextProbeIn(user_id);
    const passed = Date.now() - from;
    expect(next).toBeGreaterThan(after_ms - passed);
    expect(next).toBeLessThan(after_ms + 0.2 * passed + 1);
  });

  test('does not probe what has just begun to fail', async () => {
    const { user_id } = await waiting(1, '0 seconds');
    expect(await probes(user_id, 60_000)).toEqual([]);
  });

  test('does not probe what has answered with a delivery', async () => {
    const { user_id, batches } = await waiting(2);
    await batches[0]?.ends('delivered');
    expect(await probes(user_id, 1, 1)).toEqual([]);
  });

  test('probes what refuses webhooks since it failed less and less often, too', async () => {
    const { store } = harness();
    const user_id = unique('user');
    const { ends, ref } = await batchTo(store, user_id);
    await ends('failed', 'answered');
    await age(user_id, '1 hour');
    await ends('answered');
    await age(user_id, '2 seconds');
    expect(await probes(user_id)).toEqual([ref.call_id]);
    expect(await nextProbeIn(user_id)).toBeGreaterThan(5_000);
  });

  test('is scheduled anew when the endpoint is back and fails again', async () => {
    const { user_id, batches, ids } = await waiting(2);
    expect(await probes(user_id)).toEqual([ids[0]]);
    await batches[0]?.ends('delivered');
    await batches[1]?.ends('failed');
    await age(user_id, '10 seconds');
    expect(await probes(user_id)).toEqual([ids[1]]);
    expect(await nextProbeIn(user_id)).toBeLessThanOrEqual(5_000);
  });

  test('is scheduled anew when the endpoint has refused and fails again', async () => {
    const { user_id, batches, ids } = await waiting(2);
    expect(await probes(user_id)).toEqual([ids[0]]);
    await batches[0]?.ends('answered', 'failed');
    await age(user_id, '10 seconds');
    expect(await probes(user_id)).toEqual([ids[1]]);
    expect(await nextProbeIn(user_id)).toBeLessThanOrEqual(5_000);
  });

  test('that a process with a longer interval has scheduled is probed at the shorter one', async () => {
    const { user_id, ids } = await waiting(2);
    const hour = 3_600_000;
    expect(await probes(user_id, hour, hour)).toEqual([ids[0]]);
    expect(await probes(user_id, hour, hour)).toEqual([]);
    expect(await probes(user_id)).toEqual([ids[1]]);
  });

  test('and is overdue probes it only where no other may be tried', async () => {
    const { user_id, ids } = await waiting(2);
    const [overdue = '', other] = ids;
    await makeOverdue([overdue]);
    expect(await probes(user_id)).toEqual([other]);
    await makeDue(user_id);
    expect(await probes(user_id)).toEqual([overdue]);
    await makeDue(user_id);
    expect(await probes(user_id)).toEqual([]);
  });

  test('and may not be tried now is looked at again after the shortest interval', async () => {
    const { user_id, batches, ids } = await waiting(2);
    const paused = batches.map(({ ref }) => ref.batch_id);
    await pause(paused, 'now()');
    expect(await probes(user_id, 60_000, 3_600_000)).toEqual([]);
    const next = await nextProbeIn(user_id);
    expect(next).toBeGreaterThan(0);
    expect(next).toBeLessThanOrEqual(60_000);
    await pause(paused, 'null');
    await makeDue(user_id);
    expect(await probes(user_id)).toEqual([ids[0]]);
  });

  test('and is no more leaves the endpoint alone until something fails there', async () => {
    const { store, query } = harness();
    const { user_id, batches } = await waiting(1, '1 hour');
    const [first] = batches;
    const next = await batchTo(store, user_id);
    await store.failUnsettled({ batch_id: first?.ref.batch_id ?? '', reason: 'terminated' });
    await query("update endpoints set answered_at = answered_at - interval '1 hour' where user_id = $1", [user_id]);
    expect(await probes(user_id)).toEqual([]);
    const schedule = 'select failing_since, next_probe_at from endpoints where user_id = $1';
    expect(await query(schedule, [user_id])).toEqual([{ failing_since: null, next_probe_at: null }]);
    await next.ends('failed');
    await age(user_id, '10 seconds');
    expect(await probes(user_id)).toEqual([next.ref.call_id]);
    expect(await nextProbeIn(user_id)).toBeLessThanOrEqual(5_000);
  });

  test('at more endpoints than one look takes is left to the next one, which is told of', async () => {
    const { store, query } = harness();
    const user_id = unique('user');
    const failing = `
      insert into endpoints (key, user_id, url, failing_since)
      select $1 || number, $1, 'https://' || number, now() - interval '1 hour' from generate_series(1, 201) number`;
    await query(failing, [user_id]);
    const interval = { shortest_ms: 5_000, longest_ms: 30_000 };
    expect(await store.claimProbes(interval)).toMatchObject({ more: true });
    expect(await store.claimProbes(interval)).toMatchObject({ more: false });
    expect(await query('select from endpoints where user_id = $1 and failing_since is not null', [user_id])).toEqual(
      [],
    );
  });
});
