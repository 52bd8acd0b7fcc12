import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import type { OpenedAttempt } from '../../../store/index.js';
import {
  attempted,
  callNames,
  closeRequest,
  describeStores,
  FAILED,
  mustOpen,
  openRequest,
  register,
  unique,
} from '../../support/stores.js';

describeStores('opening an attempt', (harness) => {
  test('answers what is to be sent, and lets nobody else open one', async () => {
    const { store } = harness();
    const { ref } = await register(store);
    const payload = '{"n": 12345678901234567890, "n": 1e400}';
    const opened = await mustOpen(store, openRequest(ref, { payload }));
    expect(opened).toMatchObject({ url: 'https://example.com/hook', payload, step: 0, secrets: [] });
    expect(await store.openAttempt(openRequest(ref))).toEqual({
      kind: 'open_elsewhere',
      remaining_ms: expect.any(Number),
    });
    expect((await store.getWebhook(ref.user_id, ref.call_id))?.payload).toBe(payload);
  });

  test('asks for a text where there is none', async () => {
    const { store } = harness();
    const { ref } = await register(store);
    const { payload: _, ...request } = openRequest(ref);
    expect(await store.openAttempt(request)).toMatchObject({ kind: 'needs_payload', accepted_at: expect.any(String) });
    await store.storePayload({ ...ref, payload: '{"a":1}' });
    expect(await mustOpen(store, request)).toMatchObject({ payload: '{"a":1}' });
  });

  test('once is all that concurrent requests of two processes get', async () => {
    const { store } = harness();
    const { ref } = await register(store);
    const results = await Promise.all(Array.from({ length: 20 }, () => store.openAttempt(openRequest(ref))));
    expect(results.filter(({ kind }) => kind === 'opened')).toHaveLength(1);
    expect(results.filter(({ kind }) => kind === 'open_elsewhere')).toHaveLength(19);
  });

  test('before its time is too early, unless somebody ordered it; Retry-After holds in any case', async () => {
    const { store } = harness();
    const [waits, held] = [await register(store), await register(store)];
    await attempted(store, waits.ref, { response_code: 500 });
    await attempted(store, held.ref, {
      response_code: 503,
      next: { status: 'retrying', delay_ms: 60_000, held_ms: 50_000 },
    });
    const early = { kind: 'too_early', due_in: expect.any(Number) };
    expect(await store.openAttempt(openRequest(waits.ref))).toEqual(early);
    expect(await store.openAttempt(openRequest(held.ref, { ordered: true }))).toEqual(early);
    expect(await mustOpen(store, openRequest(waits.ref, { ordered: true }))).toMatchObject({ step: 1 });
  });

  test('of what is settled, taken over or unknown answers how it stands', async () => {
    const { store } = harness();
    const [delivered, failed, taken] = [await register(store), await register(store), await register(store)];
    await attempted(store, delivered.ref);
    await attempted(store, failed.ref, { response_code: 500, next: FAILED });
    await attempted(store, taken.ref);
    const { user_id, call_ids } = taken.part;
    const resend = await register(store, { user_id, call_ids, send_type: 'resend' });
    const standing = async (ref: typeof taken.ref) => store.openAttempt(openRequest(ref));
    expect(await standing(delivered.ref)).toEqual({ kind: 'standing', standing: { status: 'delivered' } });
    expect(await standing(failed.ref)).toEqual({
      kind: 'standing',
      standing: { status: 'failed', error: 'ScheduleUsedUp' },
    });
    expect(await standing(taken.ref)).toEqual({ kind: 'standing', standing: { status: 'delivered' } });
    expect(await standing({ ...taken.ref, call_id: unique('call') })).toEqual({
      kind: 'standing',
      standing: { status: 'rejected', error: 'CallNotFound' },
    });
    expect(await mustOpen(store, openRequest(resend.ref, { send_type: 'resend' }))).toMatchObject({ step: 0 });
  });

  test('signs with every active secret, newest first', async () => {
    const { store } = harness();
    const { ref } = await register(store);
    const secrets = [await store.createSigningSecret(ref.user_id), await store.createSigningSecret(ref.user_id)];
    const opened = await mustOpen(store, openRequest(ref));
    expect(opened.secrets).toEqual(secrets.map(({ secret }) => secret).reverse());
  });
});

describeStores('an attempt that was left open', (harness) => {
  const interrupted = { response_code: null, error: 'interrupted' };

  test('is interrupted past its deadline, and its webhook is suspect', async () => {
    const { store, query } = harness();
    const { ref } = await register(store);
    const { seq } = await mustOpen(store, openRequest(ref));
    await query("update attempts set deadline = now() - interval '1 second' where seq = $1", [seq]);
    expect(await store.openAttempt(openRequest(ref))).toEqual({ kind: 'suspect', in_a_row: 1, alone: 0 });
    const second = await mustOpen(store, openRequest(ref, { isolation: 'alone' }));
    await query("update attempts set deadline = now() - interval '1 second' where seq = $1", [second.seq]);
    expect(await store.readStanding(ref)).toEqual({ kind: 'interrupted' });
    expect(await store.openAttempt(openRequest(ref))).toEqual({ kind: 'suspect', in_a_row: 2, alone: 1 });
    const third = await mustOpen(store, openRequest(ref, { isolation: 'shared' }));
    await store.closeAttempt(closeRequest(ref, third.seq, { response_code: 500 }));
    const after = await mustOpen(store, openRequest(ref, { ordered: true }));
    expect(after).toMatchObject({ step: 1, webhook_id: second.webhook_id });
    expect((await store.getWebhook(ref.user_id, ref.call_id))?.metadata).toMatchObject([
      interrupted,
      interrupted,
      { response_code: 500 },
    ]);
  });

  test('is amended by its own late end, which may deliver', async () => {
    const { store, query } = harness();
    const { ref } = await register(store);
    const { seq } = await mustOpen(store, openRequest(ref));
    await query("update attempts set deadline = now() - interval '1 second' where seq = $1", [seq]);
    await store.readStanding(ref);
    expect((await store.closeAttempt(closeRequest(ref, seq))).standing).toEqual({ status: 'delivered' });
    expect((await store.getWebhook(ref.user_id, ref.call_id))?.metadata).toMatchObject([
      { response_code: 200, error: null },
    ]);
  });
});

describeStores('closing an attempt', (harness) => {
  test('may be repeated, and changes nothing the second time', async () => {
    const { store } = harness();
    const { ref } = await register(store);
    const { seq } = await mustOpen(store, openRequest(ref));
    const close = closeRequest(ref, seq, { response_code: 500 });
    const first = await store.closeAttempt(close);
    const again = await store.closeAttempt(closeRequest(ref, seq));
    expect(first.standing).toEqual({ status: 'retrying', due_in: expect.any(Number) });
    expect(again.standing).toMatchObject({ status: 'retrying' });
    expect(again.attempt).toEqual(first.attempt);
  });

  test('that is late does not undo a delivery', async () => {
    const { store, query } = harness();
    const { ref } = await register(store);
    const late = await mustOpen(store, openRequest(ref));
    await query("update attempts set deadline = now() - interval '1 second' where seq = $1", [late.seq]);
    await store.readStanding(ref);
    const next = await mustOpen(store, openRequest(ref, { isolation: 'shared' }));
    await store.closeAttempt(closeRequest(ref, next.seq));
    const closed = await store.closeAttempt(closeRequest(ref, late.seq, { response_code: 500 }));
    expect(closed.standing).toEqual({ status: 'delivered' });
  });

  test('settles a webhook, and its watches are told', async () => {
    const { store } = harness();
    const { ref } = await register(store);
    expect(await store.readStanding(ref)).toEqual({ kind: 'unknown' });
    const { seq } = await mustOpen(store, openRequest(ref));
    expect(await store.readStanding(ref)).toMatchObject({ kind: 'open' });
    await store.closeAttempt(closeRequest(ref, seq, { response_code: 404, endpoint_failed: false }));
    expect(await store.readStanding(ref)).toMatchObject({
      kind: 'standing',
      standing: { status: 'retrying' },
      endpoint_failed: false,
    });
  });

  test('refuses an attempt that there is not', async () => {
    const { store } = harness();
    const { ref } = await register(store);
    await expect(store.closeAttempt(closeRequest(ref, '999999999'))).rejects.toThrow('no attempt 999999999');
  });
});

describeStores('settling', (harness) => {
  test('ends what waits, and answers what stands otherwise', async () => {
    const { store } = harness();
    const call_ids = callNames(4);
    const { part } = await register(store, { call_ids, total: 4 });
    const ref = (index: number) => ({
      batch_id: part.batch_id,
      user_id: part.user_id,
      call_id: call_ids[index] as string,
    });
    await attempted(store, ref(0));
    await mustOpen(store, openRequest(ref(1)));
    await attempted(store, ref(2), { response_code: 500 });
    const { call_ids: _, offset: __, total: ___, ...base } = part;
    const standings = await store.settleWebhooks({
      ...base,
      call_ids: [...call_ids, 'unknown'],
      status: 'canceled',
      error: 'BatchCanceled',
    });
    expect(standings).toEqual([
      [0, { status: 'delivered' }],
      [1, { status: 'in_flight' }],
      [4, { status: 'rejected', error: 'CallNotFound' }],
    ]);
    expect(await store.getWebhook(part.user_id, call_ids[2] as string)).toMatchObject({
      status: 'canceled',
      reason: 'the batch was canceled',
      next_attempt_at: null,
    });
  });

  test('rejects only a webhook that was never tried', async () => {
    const { store } = harness();
    const [fresh, tried] = [await register(store), await register(store)];
    await attempted(store, tried.ref, { response_code: 500 });
    expect(await store.rejectWebhook({ ...fresh.ref, error: 'CallNotFound' })).toEqual({
      status: 'rejected',
      error: 'CallNotFound',
    });
    expect(await store.getWebhook(fresh.ref.user_id, fresh.ref.call_id)).toBeUndefined();
    expect(await store.rejectWebhook({ ...tried.ref, error: 'CallNotFound' })).toMatchObject({ status: 'retrying' });
    const { user_id, call_ids } = fresh.part;
    expect((await register(store, { user_id, call_ids })).answer.standings).toEqual([]);
  });
});

describeStores('large texts', (harness) => {
  test('of 60 webhooks hold up neither 200 small ones nor a listing', { timeout: 180_000 }, async () => {
    const { store } = harness();
    const user_id = unique('user');
    const large = `{"x": "${'x'.repeat(9_000_000)}"}`;
    const calls = { large: callNames(60), small: callNames(200) };
    await store.upsertCalls(calls.large.map((call_id) => ({ call_id, user_id, data: large })));
    await store.upsertCalls(calls.small.map((call_id) => ({ call_id, user_id, data: '{"x": 1}' })));
    const call_ids = [...calls.large, ...calls.small];
    const { part } = await register(store, { user_id, call_ids, total: 260, calls: true });
    const order: string[] = [];
    const open = async (call_id: string): Promise<void> => {
      const { payload: _, ...request } = openRequest({ batch_id: part.batch_id, user_id, call_id });
      const opened = await mustOpen(store, request);
      order.push(opened.payload === large ? 'large' : 'small');
    };
    await Promise.all(call_ids.map(open));
    expect(order.filter((size) => size === 'large')).toHaveLength(60);
    expect(order.slice(0, 200).filter((size) => size === 'small').length).toBeGreaterThan(150);
    let listed = 0;
    for (let cursor: string | undefined; ; ) {
      const page = await store.listBatchWebhooks({
        user_id,
        batch_id: part.batch_id,
        limit: 100,
        ...(cursor && { cursor }),
      });
      listed += page.webhooks.length;
      expect(page.webhooks.filter(({ payload }) => payload === large).length).toBeLessThanOrEqual(1);
      if (page.next_cursor === null) break;
      cursor = page.next_cursor;
    }
    expect(listed).toBe(260);
  });
});

describeStores('a row that somebody else has locked', (harness) => {
  test('holds up itself alone, and is decided by its state when it is free', async () => {
    const { store, options } = harness();
    // PGlite has a single session: no other can hold a lock.
    if (!('databaseUrl' in options) || options.databaseUrl === undefined)
      return expect(options).toHaveProperty('dataDir');
    const call_ids = callNames(200);
    const { part } = await register(store, { call_ids, total: 200 });
    const [locked = '', ...free] = call_ids;
    const ref = (call_id: string) => ({ batch_id: part.batch_id, user_id: part.user_id, call_id });
    const other = new pg.Client({ connectionString: options.databaseUrl });
    await other.connect();
    onTestFinished(() => other.end());
    await other.query('begin');
    await other.query("update webhooks set status = 'delivered' where user_id = $1 and call_id = $2", [
      part.user_id,
      locked,
    ]);
    const late = store.openAttempt(openRequest(ref(locked)));
    const opened = await Promise.all(free.map((call_id) => mustOpen(store, openRequest(ref(call_id)))));
    expect(opened.map(({ kind }: OpenedAttempt) => kind)).toHaveLength(199);
    await other.query('commit');
    expect(await late).toEqual({ kind: 'standing', standing: { status: 'delivered' } });
  });
});
