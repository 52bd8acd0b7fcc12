import { expect, test } from 'vitest';
import {
  attempted,
  callNames,
  closeRequest,
  describeStores,
  mustOpen,
  openRequest,
  part,
  register,
  unique,
} from '../../support/stores.js';

describeStores('registering', (harness) => {
  test('creates a pending webhook for each call, before anything is sent', async () => {
    const { store } = harness();
    const call_ids = callNames(3);
    const { part: created, answer } = await register(store, { call_ids });
    expect(answer).toMatchObject({ offset: 0, paused_ms: 0, paused_since: null, endpoint_of: 0, standings: [] });
    expect(answer.endpoints).toMatchObject([{ label: 'https://example.com/hook' }]);
    const { webhooks } = await store.listBatchWebhooks({ ...created, limit: 10 });
    expect(webhooks.map(({ call_id, status, metadata }) => [call_id, status, metadata])).toEqual(
      [...call_ids].sort().map((call_id) => [call_id, 'pending', []]),
    );
    expect(await store.readBatch(created.user_id, created.batch_id)).toMatchObject({
      total: 3,
      pending: 3,
      registered: true,
    });
  });

  test('rejects a call that has a webhook, and no other user’s', async () => {
    const { store } = harness();
    const first = await register(store);
    const call_ids = first.part.call_ids;
    const again = await register(store, { user_id: first.part.user_id, call_ids });
    expect(again.answer.standings).toEqual([[0, { status: 'rejected', error: 'WebhookExists' }]]);
    expect(again.answer.endpoint_of).toBe(-1);
    const other = await register(store, { call_ids });
    expect(other.answer.standings).toEqual([]);
    expect(await store.readBatch(again.part.user_id, again.part.batch_id)).toMatchObject({
      rejected: 1,
      pending: 0,
      rejected_calls: [{ call_id: call_ids[0], error: 'WebhookExists' }],
    });
  });

  test('asks the calls table whose a call is, and takes its text byte for byte', async () => {
    const { store } = harness();
    const [known = '', missing = ''] = callNames(2);
    const user_id = unique('user');
    const text = `{"call_id": "${known}", "n": 12345678901234567890, "__proto__": 1.10, "a": 1, "a": 2}`;
    await store.upsertCalls([{ call_id: known, user_id, data: text }]);
    const { answer } = await register(store, { user_id, call_ids: [known, missing], total: 2, calls: true });
    expect(answer.standings).toEqual([[1, { status: 'rejected', error: 'CallNotFound' }]]);
    expect(answer.endpoint_of).toEqual([0, -1]);
    expect((await store.getWebhook(user_id, known))?.payload).toBe(text);
    const foreign = await register(store, { call_ids: [known], calls: true });
    expect(foreign.answer.standings).toEqual([[0, { status: 'rejected', error: 'CallNotFound' }]]);
  });

  test('answers the same again, with what has become of each call meanwhile', async () => {
    const { store } = harness();
    const call_ids = callNames(6);
    const [fresh, delivered, retrying, failed, inFlight, taken] = call_ids as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const { part: first } = await register(store, { call_ids });
    const ref = (call_id: string) => ({ batch_id: first.batch_id, user_id: first.user_id, call_id });
    await attempted(store, ref(delivered));
    await attempted(store, ref(retrying), { response_code: 500 });
    await store.failWebhook({ ...ref(failed), error: 'CallUnreadable', reason: 'not JSON' });
    await mustOpen(store, openRequest(ref(inFlight)));
    await attempted(store, ref(taken), {
      response_code: 410,
      next: { status: 'failed', error: 'EndpointGone', reason: 'gone' },
    });
    await register(store, { user_id: first.user_id, call_ids: [taken], send_type: 'resend' });
    const { answer } = await register(store, { ...first, accepted_at: Date.now() + 60_000 });
    expect(answer.standings).toEqual([
      [1, { status: 'delivered' }],
      [2, { status: 'retrying', due_in: expect.any(Number) }],
      [3, { status: 'failed', error: 'CallUnreadable' }],
      [4, { status: 'in_flight' }],
      [5, { status: 'failed', error: 'Superseded' }],
    ]);
    expect(answer.accepted_at).toBeLessThan(Date.now() + 1_000);
    expect(await store.getWebhook(first.user_id, fresh)).toMatchObject({ status: 'pending' });
  });

  test('keeps a call of two batches in one request to the first of them', async () => {
    const { store } = harness();
    const user_id = unique('user');
    const call_ids = callNames(2);
    const parts = [part({ user_id, call_ids }), part({ user_id, call_ids })];
    const answers = await store.registerBatches({
      workflow_id: unique('w'),
      accepted_at: Date.now(),
      calls: false,
      parts,
    });
    expect(answers.map(({ batch_id, standings }) => [batch_id, standings.length])).toEqual(
      parts.map(({ batch_id }, index) => [batch_id, index * 2]),
    );
  });
});

describeStores('registering a resend', (harness) => {
  test('takes settled webhooks over, learns their URLs, and rejects the others', async () => {
    const { store } = harness();
    const user_id = unique('user');
    const [a = '', b = '', busy = '', none = ''] = callNames(4);
    const atA = await register(store, { user_id, call_ids: [a], webhook_url: 'https://a.example/hook?x=1' });
    const atB = await register(store, { user_id, call_ids: [b], webhook_url: 'https://b.example/' });
    await register(store, { user_id, call_ids: [busy] });
    for (const { ref } of [atA, atB]) await attempted(store, ref);
    const { answer, part: resend } = await register(store, {
      user_id,
      call_ids: [a, b, busy, none],
      total: 4,
      send_type: 'resend',
    });
    expect(answer.standings).toEqual([
      [2, { status: 'rejected', error: 'WebhookInProgress' }],
      [3, { status: 'rejected', error: 'WebhookNotFound' }],
    ]);
    expect(answer.endpoints.map(({ label }) => label)).toEqual(['https://a.example/hook', 'https://b.example/']);
    expect(answer.endpoint_of).toEqual([0, 1, -1, -1]);
    expect(await store.getWebhook(user_id, a)).toMatchObject({ status: 'pending', batch_id: resend.batch_id });
    const { webhooks } = await store.listBatchWebhooks({ user_id, batch_id: atA.part.batch_id, limit: 5 });
    expect(webhooks.map(({ call_id }) => call_id)).toEqual([a]);
  });

  test('of failed ones takes each failed webhook once', async () => {
    const { store } = harness();
    const { ref, part: first } = await register(store);
    await store.failWebhook({ ...ref, error: 'ScheduleUsedUp', reason: 'used up' });
    const { user_id, call_ids } = first;
    const options = { user_id, call_ids, send_type: 'resend', only_failed: true } as const;
    const rounds = await Promise.all([register(store, options), register(store, options)]);
    const standings = rounds.map(({ answer }) => answer.standings.length);
    expect(standings.sort()).toEqual([0, 1]);
  });
});

describeStores('a batch', (harness) => {
  test('keeps its acceptance and its pauses over a second registration', async () => {
    const { store } = harness();
    const accepted_at = Date.now() - 5_000;
    const { part: first } = await register(store, { accepted_at });
    const paused_since = Date.now() - 1_000;
    const counts = { total: 1, pending: 1, retrying: 0, delivered: 0, failed: 0, rejected: 0, canceled: 0 };
    await store.checkpoint({
      batches: [{ batch_id: first.batch_id, counts, paused_ms: 700, paused_since, finished_at: null }],
      endpoints: [],
    });
    const { answer } = await register(store, { ...first, accepted_at: Date.now() });
    expect(answer).toMatchObject({ accepted_at, paused_ms: 700, paused_since });
    const empty = await register(store, { ...first, call_ids: [], accepted_at: Date.now() });
    expect(empty.answer).toMatchObject({ accepted_at, paused_ms: 700, paused_since, standings: [] });
    expect(await store.readBatch(first.user_id, first.batch_id)).toMatchObject({ paused: true, pending: 1 });
  });

  test('that was pruned sends nothing when it is registered again', async () => {
    const { store } = harness();
    const { part: first, ref } = await register(store);
    await attempted(store, ref);
    const counts = { total: 1, pending: 0, retrying: 0, delivered: 1, failed: 0, rejected: 0, canceled: 0 };
    const old = Date.now() - 86_400_000;
    await store.checkpoint({
      batches: [{ batch_id: first.batch_id, counts, paused_ms: 0, paused_since: null, finished_at: old }],
      endpoints: [],
    });
    const finished_before = new Date(Date.now() - 3_600_000);
    expect(await store.prune({ finished_before, dry_run: true })).toEqual({ batches: 1, webhooks: 1 });
    expect(await store.prune({ finished_before })).toEqual({ batches: 1, webhooks: 1 });
    expect(await store.getWebhook(first.user_id, ref.call_id)).toBeUndefined();
    const { answer } = await register(store, { ...first });
    expect(answer.standings).toEqual([[0, { status: 'canceled', error: 'BatchPruned' }]]);
    expect(await store.openAttempt(openRequest(ref))).toEqual({
      kind: 'standing',
      standing: { status: 'rejected', error: 'CallNotFound' },
    });
  });

  test('is failed whole when its workflow ended from outside, but for what is in flight', async () => {
    const { store } = harness();
    const call_ids = callNames(3);
    const [inFlight = '', waits = ''] = call_ids;
    const { part: first } = await register(store, { call_ids });
    const ref = (call_id: string) => ({ batch_id: first.batch_id, user_id: first.user_id, call_id });
    const { seq } = await mustOpen(store, openRequest(ref(inFlight)));
    await attempted(store, ref(waits), { response_code: 500 });
    const workflowId = `postcall-${first.batch_id}`;
    expect(await store.findUnfinished([workflowId])).toEqual([{ workflow_id: workflowId, batch_id: first.batch_id }]);
    const batch = { batch_id: first.batch_id, reason: 'terminated' };
    expect(await store.failUnsettled(batch)).toBe(2);
    await store.closeAttempt(closeRequest(ref(inFlight), seq, { response_code: 500 }));
    expect(await store.failUnsettled(batch)).toBe(1);
    expect(await store.findUnfinished([workflowId])).toEqual([]);
    expect(await store.readBatch(first.user_id, first.batch_id)).toMatchObject({
      failed: 3,
      finished_at: expect.any(String),
    });
  });

  test('tells those who wait when every first attempt has been made, and what was rejected', async () => {
    const { store } = harness();
    const { part: first, ref } = await register(store, { call_ids: callNames(2), total: 2 });
    const other = { ...ref, call_id: first.call_ids[1] as string };
    await attempted(store, ref, { response_code: 500 });
    expect(await store.firstAttemptsMade([first.batch_id])).toEqual([]);
    await store.rejectWebhook({ ...other, error: 'CallNotFound' });
    expect(await store.firstAttemptsMade([first.batch_id, 'unknown'])).toEqual([
      { batch_id: first.batch_id, rejected: [{ call_id: other.call_id, error: 'CallNotFound' }] },
    ]);
  });
});
