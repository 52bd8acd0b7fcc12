import { describe, expect, test } from 'vitest';
import { type ApiUser, sharedApi } from '../../support/api.js';
import { answer } from '../../support/behaviours.js';

const CREATE = '/v1/postcall/webhooks/create';
const api = sharedApi({ environment: { POSTCALL_RETRY_SCHEDULE: '1h' } });

const importCall = (user: ApiUser, call_id: string) =>
  api().stack.store.upsertCalls([{ call_id, user_id: user.userId, data: { call_id, summary: 'naïve 🎧' } }]);

describe('GET /v1/postcall/webhooks/{call_id}', () => {
  test.each(['a/b?c=d#e', 'é'.repeat(64) + '🎧'.repeat(32), 'create', 'resend', '%2F', ' ', '__proto__'])(
    'finds the call %j',
    async (call_id) => {
      const user = await api().newUser();
      await importCall(user, call_id);
      const created = await user.post(CREATE, { call_ids: [call_id], webhook_url: api().stack.receiver.url });
      expect(created.status).toBe(200);
      const { status, body } = await user.get(`/v1/postcall/webhooks/${encodeURIComponent(call_id)}`);
      expect({ status, body }).toEqual({ status: 200, body: { data: created.body.data[0], errors: null } });
    },
  );

  test.each([
    ['c-none', 404],
    ['%00', 404],
    ['x'.repeat(129), 404],
    ['x'.repeat(5_000), 404],
    ['%ED%A0%80', 400],
    ['%', 400],
  ])('says that %j names no call', async (path, expected) => {
    const user = await api().newUser();
    const { status, body } = await user.get(`/v1/postcall/webhooks/${path}`);
    expect(status).toBe(expected);
    expect(body).toEqual({ data: null, errors: [{ error: expect.any(String), message: expect.any(String) }] });
  });

  test('answers 404 for a call that has no webhook yet', async () => {
    const user = await api().newUser();
    const [call_id] = await api().stack.addCalls(1, user.userId);
    const { status, body } = await user.get(`/v1/postcall/webhooks/${call_id}`);
    expect(status).toBe(404);
    expect(body).toEqual({ data: null, errors: [{ error: 'NOT_FOUND', message: 'There is no such webhook.' }] });
  });
});

describe('a batch', () => {
  test('tells its progress', async () => {
    const { stack, newUser } = api();
    const user = await newUser();
    const [failing = '', ...others] = await stack.addCalls(4, user.userId);
    stack.receiver.behaviour = (request, response) => answer(request.callId === failing ? 500 : 200)(request, response);
    const created = await user.post(CREATE, {
      call_ids: [failing, ...others, 'c-none'],
      webhook_url: stack.receiver.url,
    });
    stack.receiver.behaviour = answer(200);
    const { status, body } = await user.get(created.headers.get('location') ?? '');
    expect(status).toBe(200);
    expect(body).toEqual({
      data: {
        batch_id: created.body.data[0].batch_id,
        status: 'running',
        total: 5,
        delivered: 3,
        retrying: 1,
        failed: 0,
        rejected: 1,
        canceled: 0,
        pending: 0,
        endpoints: [],
        started_at: expect.any(String),
        finished_at: null,
      },
      errors: null,
    });
  });

  test('lists its webhooks a page at a time, by status', async () => {
    const { stack, newUser } = api();
    const user = await newUser();
    const calls = await stack.addCalls(5, user.userId);
    const [failing = ''] = calls;
    stack.receiver.behaviour = (request, response) => answer(request.callId === failing ? 500 : 200)(request, response);
    const created = await user.post(CREATE, { call_ids: calls, webhook_url: stack.receiver.url });
    stack.receiver.behaviour = answer(200);
    const list = `${created.headers.get('location')}/webhooks`;

    const seen: string[] = [];
    let cursor = '';
    for (let pages = 0; pages < 3; pages += 1) {
      const { status, body } = await user.get(`${list}?limit=2${cursor && `&cursor=${cursor}`}`);
      expect(status).toBe(200);
      seen.push(...body.data.map((webhook: { call_id: string }) => webhook.call_id));
      cursor = body.next_cursor;
    }
    expect(cursor).toBeNull();
    expect(seen).toEqual(calls.toSorted());

    const retrying = await user.get(`${list}?status=retrying`);
    expect(retrying.body.data.map((webhook: { call_id: string }) => webhook.call_id)).toEqual([failing]);
    const none = await user.get(`${list}?status=canceled`);
    expect(none.body).toEqual({ data: [], errors: null, next_cursor: null });
  });

  test.each([
    ['status=done', 'status must be one of pending, retrying, delivered, failed, canceled'],
    ['limit=0', 'limit must be a whole number from 1 to 500'],
    ['limit=501', 'limit must be a whole number from 1 to 500'],
    ['limit=ten', 'limit must be a whole number from 1 to 500'],
    ['cursor=nonsense', 'cursor must be the next_cursor of the page before'],
  ])('answers 400 for ?%s', async (query, message) => {
    const user = await api().newUser();
    const { status, body } = await user.get(`/v1/postcall/batches/b_1.0/webhooks?${query}`);
    expect(status).toBe(400);
    expect(body).toEqual({ data: null, errors: [{ error: 'invalid_parameter', message }] });
  });

  test('answers 404 for what can be no batch', async () => {
    const user = await api().newUser();
    for (const id of ['b_none', 'b_none.0', '%00', '..%2F', 'x'.repeat(500)]) {
      for (const path of ['', '/webhooks']) {
        const { status, body } = await user.get(`/v1/postcall/batches/${id}${path}`);
        expect(status).toBe(404);
        expect(body.errors).toEqual([{ error: 'NOT_FOUND', message: 'There is no such batch.' }]);
      }
    }
  });
});
