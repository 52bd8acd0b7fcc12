import { expect, test } from 'vitest';
import { InvalidRequestError } from '../../../contract/index.js';
import type { Store } from '../../../store/index.js';
import { attempted, describeStores, FAILED, register, unique } from '../../support/stores.js';

const START = '2026-01-01T00:00:00.000Z';

async function failed(store: Store, options: Parameters<typeof register>[1]) {
  const { ref, part } = await register(store, options);
  await attempted(store, ref, { response_code: 500, next: FAILED });
  return { ...ref, url: part.webhook_url };
}

/** Call IDs of every page, and how many pages there were. */
async function pages<Page extends { webhooks: { call_id: string }[]; next_cursor: string | null }>(
  list: (cursor?: string) => Promise<Page>,
): Promise<string[][]> {
  const found: string[][] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await list(cursor);
    found.push(page.webhooks.map(({ call_id }) => call_id));
    if (page.next_cursor === null) return found;
    cursor = page.next_cursor;
  }
}

describeStores('the list of failed webhooks', (harness) => {
  test('has one user’s, oldest failure first, a page at a time, with and without payloads', async () => {
    const { store } = harness();
    const user_id = unique('user');
    const names: string[] = [];
    for (let n = 0; n < 5; n += 1) names.push((await failed(store, { user_id })).call_id);
    await failed(store, {});
    const query = { user_id, since: START, limit: 2 };
    const expected = [names.slice(0, 2), names.slice(2, 4), names.slice(4)];
    expect(await pages((cursor) => store.listFailed({ ...query, ...(cursor && { cursor }) }))).toEqual(expected);
    expect(await pages((cursor) => store.listFailedWebhooks({ ...query, ...(cursor && { cursor }) }))).toEqual(
      expected,
    );
    const { webhooks } = await store.listFailed({ ...query, limit: 1 });
    expect(webhooks).toEqual([
      {
        call_id: names[0],
        batch_id: expect.any(String),
        url: 'https://example.com/hook',
        reason: 'retry schedule used up',
        failed_at: expect.any(String),
        attempts: 1,
      },
    ]);
  });

  test('keeps failures of the same millisecond apart, by call', async () => {
    const { store, query } = harness();
    const user_id = unique('user');
    const names: string[] = [];
    for (let n = 0; n < 4; n += 1) names.push((await failed(store, { user_id })).call_id);
    await query("update webhooks set settled_at = '2026-02-01T00:00:00.123Z' where user_id = $1", [user_id]);
    const list = (cursor?: string) => store.listFailed({ user_id, since: START, limit: 1, ...(cursor && { cursor }) });
    expect(await pages(list)).toEqual(names.sort().map((name) => [name]));
  });

  test('is narrowed by URL, batch and window, whose start is in it and whose end is not', async () => {
    const { store, query } = harness();
    const user_id = unique('user');
    const a = await failed(store, { user_id, webhook_url: 'https://a.example/' });
    const b = await failed(store, { user_id, webhook_url: 'https://b.example/' });
    const at = '2026-02-01T00:00:00.000Z';
    await query('update webhooks set settled_at = $2 where user_id = $1', [user_id, at]);
    const list = async (narrow: object) =>
      (await store.listFailed({ user_id, since: START, limit: 10, ...narrow })).webhooks.map(({ call_id }) => call_id);
    expect(await list({ url: 'https://a.example/' })).toEqual([a.call_id]);
    expect(await list({ batch_id: b.batch_id })).toEqual([b.call_id]);
    expect((await list({ since: at })).sort()).toEqual([a.call_id, b.call_id].sort());
    expect(await list({ until: at })).toEqual([]);
  });

  test('refuses a cursor that is not its own', async () => {
    const { store } = harness();
    const { user_id, batch_id } = await failed(store, {});
    for (const key of ['["c"]', '[1,"\\u0000"]', 'null']) {
      const cursor = Buffer.from(key).toString('base64url');
      const query = { user_id, since: START, limit: 1, cursor };
      await expect(store.listFailed(query)).rejects.toThrow(InvalidRequestError);
      await expect(store.listFailedWebhooks(query)).rejects.toThrow(InvalidRequestError);
    }
    const cursor = Buffer.from('["\\u0000"]').toString('base64url');
    await expect(store.listBatchWebhooks({ user_id, batch_id, limit: 1, cursor })).rejects.toThrow(InvalidRequestError);
  });
});

describeStores('the list of a batch’s webhooks', (harness) => {
  test('has what it sent in order of call ID, also what a resend has taken over, and no other user’s', async () => {
    const { store } = harness();
    const call_ids = ['d', 'b', 'a', 'c'].map(unique);
    const { part } = await register(store, { call_ids });
    const ref = (call_id: string) => ({ batch_id: part.batch_id, user_id: part.user_id, call_id });
    for (const call_id of call_ids) await attempted(store, ref(call_id));
    const [, taken = ''] = call_ids;
    await register(store, { user_id: part.user_id, call_ids: [taken], send_type: 'resend' });
    const query = { user_id: part.user_id, batch_id: part.batch_id, limit: 3 };
    const sorted = [...call_ids].sort();
    const list = (cursor?: string) => store.listBatchWebhooks({ ...query, ...(cursor && { cursor }) });
    expect(await pages(list)).toEqual([sorted.slice(0, 3), sorted.slice(3)]);
    const pending = await store.listBatchWebhooks({ ...query, status: 'pending' });
    expect(pending.webhooks.map(({ call_id }) => call_id)).toEqual([taken]);
    const named = await store.listBatchWebhooks({ ...query, call_ids: [taken, 'unknown'] });
    expect(named.webhooks.map(({ call_id }) => call_id)).toEqual([taken]);
    expect((await store.listBatchWebhooks({ ...query, user_id: unique('user') })).webhooks).toEqual([]);
  });
});
