import { describe, expect, test } from 'vitest';
import { openStore } from '../../../store/index.js';
import { attempted, describeStores, mustOpen, openRequest, unique } from '../../support/stores.js';

interface Endpoint {
  user_id: string;
  url: string;
}

describeStores('waiting webhooks', (harness) => {
  const newEndpoint = (): Endpoint => ({ user_id: unique('user'), url: `https://example.com/${unique('hook')}` });

  /** A webhook whose attempt failed `waitedS` ago and whose next one is due in `dueInS`. */
  async function waiting(
    endpoint: Endpoint,
    { waitedS = 60, dueInS = 3_600, wakes = 0, heldS = 0, call_id = unique('call') } = {},
  ): Promise<string> {
    const request = openRequest({ call_id, user_id: endpoint.user_id, webhook_url: endpoint.url });
    const next = { status: 'retrying', delay_ms: dueInS * 1_000, held_ms: heldS * 1_000 } as const;
    await attempted(harness().store, request, { response_code: 503, next });
    await harness().query(
      `update webhooks set waiting_since = now() - $2 * interval '1 second', wakes = $3 where call_id = $1`,
      [call_id, waitedS, wakes],
    );
    return call_id;
  }
  const claim = async (endpoint: Endpoint, limit = 10) =>
    (await harness().store.claimWaiting({ ...endpoint, limit })).map(({ call_id }) => call_id);
  /** Claims of other tests' endpoints come along. */
  const probe = async (endpoint: Endpoint) => {
    const claimed = await harness().store.claimProbes({ interval_ms: 30_000 });
    const owned = await harness().query<{ call_id: string }>('select call_id from webhooks where user_id = $1', [
      endpoint.user_id,
    ]);
    return claimed.map(({ call_id }) => call_id).filter((id) => owned.some(({ call_id }) => call_id === id));
  };

  describe('claimWaiting', () => {
    test('takes the longest waiting ones, up to the limit, and each only once', async () => {
      const endpoint = newEndpoint();
      const calls: string[] = [];
      for (const waitedS of [10, 40, 20, 30]) calls.push(await waiting(endpoint, { waitedS }));
      const [w10, w40, w20, w30] = calls;
      expect((await claim(endpoint, 3)).sort()).toEqual([w40, w30, w20].sort());
      expect(await claim(endpoint)).toEqual([w10]);
      expect(await claim(endpoint)).toEqual([]);
    });

    test('names the batch of each, and makes it due now', async () => {
      const endpoint = newEndpoint();
      const call_id = await waiting(endpoint);
      const [claimed] = await harness().store.claimWaiting({ ...endpoint, limit: 1 });
      const webhook = await harness().store.getWebhook(endpoint.user_id, call_id);
      expect(claimed).toEqual({ call_id, batch_id: webhook?.batch_id });
      expect(Date.parse(webhook?.next_attempt_at ?? '')).toBeLessThanOrEqual(Date.now() + 100);
    });

    test('keeps to one user and one URL', async () => {
      const endpoint = newEndpoint();
      const call_id = await waiting(endpoint);
      await waiting({ ...endpoint, user_id: unique('user') });
      await waiting({ ...endpoint, url: `${endpoint.url}/other` });
      expect(await claim(endpoint)).toEqual([call_id]);
    });

    test.each([
      ['is due within a second', { dueInS: 0.5 }],
      ['is held by Retry-After', { heldS: 1_800 }],
      ['failed less than a second ago', { waitedS: 0 }],
      ['was woken five times and has waited less than 32 s', { wakes: 5, waitedS: 30 }],
    ])('leaves alone what %s', async (_, options) => {
      const endpoint = newEndpoint();
      await waiting(endpoint, options);
      expect(await claim(endpoint)).toEqual([]);
    });

    test('takes what was woken five times once it has waited 32 s, and what was woken all too often after days', async () => {
      const endpoint = newEndpoint();
      const calls = [
        await waiting(endpoint, { wakes: 5, waitedS: 33 }),
        await waiting(endpoint, { wakes: 1_000, waitedS: 13 * 24 * 3_600 }),
      ];
      expect((await claim(endpoint)).sort()).toEqual(calls.sort());
    });

    test('leaves alone what is pending or settled', async () => {
      const endpoint = newEndpoint();
      await mustOpen(harness().store, openRequest({ user_id: endpoint.user_id, webhook_url: endpoint.url }));
      const call_id = await waiting(endpoint);
      await harness().query(`update webhooks set status = 'failed' where call_id = $1`, [call_id]);
      expect(await claim(endpoint)).toEqual([]);
    });

    test('gives concurrent claims different webhooks', async () => {
      const endpoint = newEndpoint();
      const second = await openStore(harness().options);
      for (let n = 0; n < 30; n++) await waiting(endpoint);
      const claims = await Promise.all(
        [harness().store, second, harness().store, second].map((store) =>
          store.claimWaiting({ ...endpoint, limit: 6 }),
        ),
      );
      await second.close();
      const calls = claims.flat().map(({ call_id }) => call_id);
      expect(calls).toHaveLength(24);
      expect(new Set(calls).size).toBe(24);
    });

    test('knows URLs and user IDs of any length', async () => {
      const endpoint = { user_id: `${unique('u')}${'😀'.repeat(40)}`, url: `https://example.com/${'ü'.repeat(2_000)}` };
      const call_id = await waiting(endpoint, { call_id: `${unique('c')}${'😀'.repeat(40)}` });
      expect(await claim(endpoint)).toEqual([call_id]);
    });
  });

  describe('claimProbes', () => {
    test('takes the longest waiting webhook of each endpoint, once', async () => {
      const endpoint = newEndpoint();
      const other = { ...endpoint, url: `${endpoint.url}/other` };
      await waiting(endpoint, { waitedS: 10 });
      const longest = await waiting(endpoint, { waitedS: 20 });
      const elsewhere = await waiting(other);
      expect((await probe(endpoint)).sort()).toEqual([longest, elsewhere].sort());
      expect(await probe(endpoint)).toEqual([]);
    });

    test.each([
      ['is due within the interval', { dueInS: 20 }],
      ['became due within the interval', { dueInS: -20 }],
    ])('leaves an endpoint alone of which one %s', async (_, options) => {
      const endpoint = newEndpoint();
      await waiting(endpoint, options);
      await waiting(endpoint);
      expect(await probe(endpoint)).toEqual([]);
    });

    test('goes on when a webhook has been due for long: the claim of a process that died', async () => {
      const endpoint = newEndpoint();
      await waiting(endpoint, { dueInS: -600 });
      const call_id = await waiting(endpoint);
      expect(await probe(endpoint)).toEqual([call_id]);
    });

    test('takes what has waited for 17 minutes, however often it was woken', async () => {
      const endpoint = newEndpoint();
      const call_id = await waiting(endpoint, { wakes: 40, waitedS: 1_030 });
      expect(await claim(endpoint)).toEqual([]);
      expect(await probe(endpoint)).toEqual([call_id]);
    });

    test.each([
      ['held by Retry-After', { heldS: 1_800 }],
      ['woken too often', { wakes: 10 }],
    ])('passes over what is %s', async (_, options) => {
      const endpoint = newEndpoint();
      await waiting(endpoint, { ...options, waitedS: 100 });
      expect(await probe(endpoint)).toEqual([]);
      const call_id = await waiting(endpoint, { waitedS: 10 });
      expect(await probe(endpoint)).toEqual([call_id]);
    });
  });
});
