import { expect, test } from 'vitest';
import { type OpenRequest, type OpenResult, openStore, StoreQueryError } from '../../../store/index.js';
import { attempted, describeStores, openRequest, unique } from '../../support/stores.js';

describeStores('concurrent requests', (harness) => {
  /** Counts the statements that write attempts from now on. */
  async function countStatements() {
    const { query } = harness();
    const name = `statements_${unique('').replaceAll(/\W/g, '')}`;
    await query(`create table ${name} (command text)`);
    await query(`create function ${name}() returns trigger language plpgsql as
      $$ begin insert into ${name} values (tg_op); return null; end $$`);
    await query(`create trigger ${name} after insert or update on attempts execute function ${name}()`);
    return {
      count: async () => (await query(`select from ${name}`)).length,
      stop: () => query(`drop trigger ${name} on attempts`),
    };
  }
  const outcomes = (results: OpenResult[]) => results.map(({ kind }) => kind).toSorted();

  test('share statements', async () => {
    const statements = await countStatements();
    const { store } = harness();
    const batch = { batch_id: unique('batch'), user_id: unique('user') };
    await Promise.all([...Array(100)].map(() => attempted(store, openRequest(batch))));
    const count = await statements.count();
    await statements.stop();
    expect(count).toBeLessThanOrEqual(10);
    const { webhooks } = await store.listBatchWebhooks({ ...batch, status: 'delivered', limit: 200 });
    expect(webhooks).toHaveLength(100);
  });

  test('of which one has invalid data fail alone', async () => {
    const { store } = harness();
    const requests = [...Array(50).keys()].map((n) =>
      openRequest(n === 20 ? { payload: { from: 'text', json: '{"not": json' } } : {}),
    );
    const results = await Promise.allSettled(requests.map((request) => store.openAttempt(request)));
    const rejected = results.flatMap((result, n) => (result.status === 'rejected' ? [[n, result.reason]] : []));
    expect(rejected).toEqual([[20, expect.any(StoreQueryError)]]);
    expect(results.filter((result) => result.status === 'fulfilled' && result.value.kind === 'opened')).toHaveLength(
      49,
    );
  });

  test('for the same call in one batch open one attempt', async () => {
    const request = openRequest();
    const results = await Promise.all([...Array(5)].map(() => harness().store.openAttempt(request)));
    expect(outcomes(results)).toEqual([...Array(4).fill('open_elsewhere'), 'opened']);
  });

  test('for the same call in different batches have one winner', async () => {
    const request = openRequest();
    const results = await Promise.all(
      [...Array(5)].map(() => harness().store.openAttempt({ ...request, batch_id: unique('batch') })),
    );
    expect(outcomes(results)).toEqual(['opened', ...Array(4).fill('webhook_exists')]);
  });

  test('of two processes for the same calls leave each call one webhook and one attempt', async () => {
    const rival = await openStore(harness().options);
    const user_id = unique('user');
    const calls = [...Array(200)].map(() => unique('call'));
    // Opposite orders make them meet in the middle, and would deadlock if each locked in its own order.
    const open = (store: typeof rival, batch_id: string, order: string[]) =>
      Promise.all(order.map((call_id) => store.openAttempt(openRequest({ batch_id, call_id, user_id }))));
    const [ours, theirs] = await Promise.all([
      open(harness().store, unique('batch'), calls),
      open(rival, unique('batch'), calls.toReversed()),
    ]);
    await rival.close();
    expect(outcomes([...ours, ...theirs])).toEqual([
      ...Array(200).fill('opened'),
      ...Array(200).fill('webhook_exists'),
    ]);
    const winners = ours.map((result, n) => [result.kind, theirs.toReversed()[n]?.kind]);
    expect(new Set(winners.map((pair) => pair.toSorted().join()))).toEqual(new Set(['opened,webhook_exists']));
  });

  test('of two processes to send the same webhooks again have one winner for each', async () => {
    const rival = await openStore(harness().options);
    const { store } = harness();
    const requests = [...Array(100)].map(() => openRequest());
    await Promise.all(
      requests.map((request) => store.settleWebhook({ ...request, status: 'failed', reason: 'for the test' })),
    );
    const resend = (request: OpenRequest, batch_id: string): OpenRequest => ({
      ...request,
      batch_id,
      send_type: 'resend',
    });
    const batches = [unique('batch'), unique('batch')] as const;
    const [ours, theirs] = await Promise.all([
      Promise.all(requests.map((request) => store.openAttempt(resend(request, batches[0])))),
      Promise.all(requests.map((request) => rival.openAttempt(resend(request, batches[1])))),
    ]);
    await rival.close();
    expect(ours.map((result, n) => [result.kind, theirs[n]?.kind].toSorted())).toEqual(
      requests.map(() => ['opened', 'webhook_in_progress']),
    );
  });

  test('of two processes that settle and open the same calls agree on what became of each', async () => {
    const rival = await openStore(harness().options);
    const requests = [...Array(100)].map(() => openRequest());
    const [opened, settled] = await Promise.all([
      Promise.all(requests.map((request) => harness().store.openAttempt(request))),
      Promise.all(
        requests.map((request) => rival.settleWebhook({ ...request, status: 'canceled', reason: 'for the test' })),
      ),
    ]);
    await rival.close();
    expect(new Set(settled.map(({ kind }) => kind))).toEqual(new Set(['settled']));
    for (const [n, request] of requests.entries()) {
      const { status } = (await harness().store.getWebhook(request.user_id, request.call_id)) ?? {};
      expect([opened[n]?.kind, status]).toSatisfy(
        ([kind, status]) => status === 'canceled' && ['opened', 'settled'].includes(kind),
      );
    }
  });
});
