import { describe, expect, test } from 'vitest';
import { InvalidRequestError, webhookSchema } from '../../../contract/index.js';
import { attempted, describeStores, mustOpen, openRequest, unique } from '../../support/stores.js';

describeStores('reading webhooks', (harness) => {
  async function sent(request = openRequest(), code = 200) {
    const gone = { status: 'failed', reason: 'gone' } as const;
    await attempted(harness().store, request, { response_code: code, ...(code === 410 && { next: gone }) });
    return request;
  }

  describe('getWebhook', () => {
    test('returns the webhook as the contract defines it, finished attempts only and oldest first', async () => {
      const request = await sent(openRequest(), 500);
      await sent(request, 502);
      await mustOpen(harness().store, request);
      const webhook = await harness().store.getWebhook(request.user_id, request.call_id);
      expect(webhookSchema.strict().parse(webhook)).toEqual(webhook);
      expect(webhook?.metadata.map(({ response_code }) => response_code)).toEqual([500, 502]);
    });

    test("knows neither a missing one nor another user's", async () => {
      const request = await sent();
      const { store } = harness();
      expect(await store.getWebhook(unique('user'), request.call_id)).toBeUndefined();
      expect(await store.getWebhook(request.user_id, unique('call'))).toBeUndefined();
    });
  });

  describe('listBatchWebhooks', () => {
    async function batchOf(count: number) {
      const batch = { batch_id: unique('batch'), user_id: unique('user') };
      const calls = [...Array(count).keys()].map((n) => `${batch.batch_id}-${String(n).padStart(3, '0')}`);
      await Promise.all(calls.map((call_id) => sent(openRequest({ ...batch, call_id }))));
      return { batch, calls };
    }
    const list = (query: Parameters<ReturnType<typeof harness>['store']['listBatchWebhooks']>[0]) =>
      harness().store.listBatchWebhooks(query);

    test('pages through a batch in order of call ID, missing and repeating none', async () => {
      const { batch, calls } = await batchOf(7);
      const pages: string[][] = [];
      let cursor: string | undefined;
      do {
        const page = await list({ ...batch, limit: 3, ...(cursor === undefined ? {} : { cursor }) });
        pages.push(page.webhooks.map(({ call_id }) => call_id));
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
      expect(pages).toEqual([calls.slice(0, 3), calls.slice(3, 6), calls.slice(6)]);
    });

    test('filters by status and by call', async () => {
      const { batch, calls } = await batchOf(2);
      const failing = openRequest({ ...batch, call_id: unique('call') });
      await sent(failing, 500);
      const ids = async (filter: object) =>
        (await list({ ...batch, ...filter, limit: 10 })).webhooks.map(({ call_id }) => call_id);
      expect(await ids({ status: 'retrying' })).toEqual([failing.call_id]);
      expect(await ids({ status: 'failed' })).toEqual([]);
      expect(await ids({ call_ids: [calls[1], unique('call')] })).toEqual([calls[1]]);
      expect(await ids({ call_ids: [] })).toEqual([]);
    });

    test('still shows what a later resend has taken over, and that to the resend too', async () => {
      const { batch, calls } = await batchOf(2);
      const resend = { ...batch, batch_id: unique('batch') };
      await sent(openRequest({ ...resend, call_id: calls[0] ?? '', send_type: 'resend' }));
      expect((await list({ ...batch, limit: 10 })).webhooks.map(({ call_id }) => call_id)).toEqual(calls);
      expect((await list({ ...resend, limit: 10 })).webhooks.map(({ call_id }) => call_id)).toEqual([calls[0]]);
    });

    test("is empty for another user's batch", async () => {
      const { batch } = await batchOf(1);
      expect(await list({ ...batch, user_id: unique('user'), limit: 10 })).toEqual({ webhooks: [], next_cursor: null });
    });

    test('refuses an invalid cursor by its name', async () => {
      const error = await list({ batch_id: 'b', user_id: 'u', limit: 10, cursor: 'nonsense' }).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(InvalidRequestError);
      expect(error).toMatchObject({ problems: [{ field: 'cursor' }] });
    });
  });

  describe('failed webhooks', () => {
    const YEAR_2000 = '2000-01-01T00:00:00Z';

    /** Failed webhooks of one user, a minute apart, the oldest first; two of them at the same time. */
    async function failures(count: number) {
      const user_id = unique('user');
      const requests = [];
      for (let n = 0; n < count; n++) {
        const request = openRequest({ user_id });
        requests.push(await sent(request, 410));
        const minute = Math.max(n - 1, 0);
        await harness().query(
          `update webhooks set settled_at = '2001-01-01T00:00:00.123Z'::timestamptz + $2 * interval '1 minute' where call_id = $1`,
          [request.call_id, minute],
        );
      }
      return { user_id, requests };
    }

    test('are listed page by page, oldest first, missing and repeating none', async () => {
      const { user_id, requests } = await failures(5);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await harness().store.listFailed({
          user_id,
          since: YEAR_2000,
          limit: 1,
          ...(cursor === undefined ? {} : { cursor }),
        });
        seen.push(...page.webhooks.map(({ call_id }) => call_id));
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
      expect(seen.slice(2)).toEqual(requests.slice(2).map(({ call_id }) => call_id));
      expect(seen.toSorted()).toEqual(requests.map(({ call_id }) => call_id).toSorted());
    });

    test('are shown without their payloads, or as webhooks', async () => {
      const { user_id, requests } = await failures(1);
      const { call_id, batch_id, webhook_url } = requests[0] ?? openRequest();
      const query = { user_id, since: YEAR_2000, limit: 10 };
      expect(await harness().store.listFailed(query)).toEqual({
        webhooks: [
          { call_id, batch_id, url: webhook_url, reason: 'gone', failed_at: '2001-01-01T00:00:00.123Z', attempts: 1 },
        ],
        next_cursor: null,
      });
      const { webhooks } = await harness().store.listFailedWebhooks(query);
      expect(webhooks).toEqual([await harness().store.getWebhook(user_id, call_id)]);
    });

    test('are filtered by time, URL and batch', async () => {
      const { user_id, requests } = await failures(4);
      const ids = async (filter: object) =>
        (await harness().store.listFailed({ user_id, since: YEAR_2000, limit: 10, ...filter })).webhooks.map(
          ({ call_id }) => call_id,
        );
      const last = requests[3] ?? openRequest();
      expect(await ids({ since: '2001-01-01T00:02:00.123Z' })).toEqual([last.call_id]);
      expect(await ids({ until: '2001-01-01T00:02:00.123Z' })).toHaveLength(3);
      expect(await ids({ since: '2001-01-01T02:02:00.123+02:00' })).toEqual([last.call_id]);
      expect(await ids({ url: 'https://example.com/other' })).toEqual([]);
      expect(await ids({ url: last.webhook_url })).toHaveLength(4);
      expect(await ids({ batch_id: last.batch_id })).toEqual([last.call_id]);
    });

    test("are the user's own, and not those that were sent again", async () => {
      const { user_id, requests } = await failures(2);
      await sent(openRequest({ ...requests[0], batch_id: unique('batch'), send_type: 'resend' }));
      const query = { user_id, since: YEAR_2000, limit: 10 };
      expect((await harness().store.listFailed(query)).webhooks).toMatchObject([{ call_id: requests[1]?.call_id }]);
      expect((await harness().store.listFailed({ ...query, user_id: unique('user') })).webhooks).toEqual([]);
    });
  });
});
