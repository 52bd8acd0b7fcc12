import { describe, expect, test } from 'vitest';
import { sharedApi } from '../../support/api.js';
import { answer } from '../../support/behaviours.js';

const CREATE = '/v1/postcall/webhooks/create';
const ENDPOINTS = '/v1/postcall/endpoints';
const api = sharedApi({ environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_PROBE_INTERVAL: '1h' } });

/** A user with an endpoint that is down, one that is gone and one that is up. */
async function userWithTrouble() {
  const { stack, newUser } = api();
  const user = await newUser();
  const urls: Record<string, string> = {};
  for (const [name, status, calls] of [
    ['up', 200, 1],
    ['gone', 410, 1],
    ['down', 503, 12],
  ] as const) {
    stack.receiver.behaviour = answer(status);
    urls[name] = `${stack.receiver.url}?${name}&user=${user.userId}`;
    const call_ids = await stack.addCalls(calls, user.userId);
    await user.post(CREATE, { call_ids, webhook_url: urls[name] }, { prefer: `wait=${name === 'down' ? 0 : 30}` });
  }
  await expect.poll(async () => (await user.get(`${ENDPOINTS}?state=down`)).body.data).toHaveLength(1);
  stack.receiver.behaviour = answer(200);
  return { user, urls };
}

describe('GET /v1/postcall/endpoints', () => {
  test('says which are down, since when, what waits, what they answered last and when they are tried next', async () => {
    const { user, urls } = await userWithTrouble();
    const { status, body } = await user.get(ENDPOINTS);
    expect(status).toBe(200);
    const time = expect.stringMatching(/Z$/);
    expect(body).toEqual({
      data: [
        {
          url: urls.down,
          state: 'down',
          since: time,
          waiting: 12,
          last_answer: { at: time, response_code: 503, error: null },
          next_probe_at: time,
        },
        {
          url: urls.gone,
          state: 'gone',
          since: time,
          waiting: 0,
          last_answer: { at: time, response_code: 410, error: null },
          next_probe_at: null,
        },
        {
          url: urls.up,
          state: 'up',
          since: time,
          waiting: 0,
          last_answer: { at: time, response_code: 200, error: null },
          next_probe_at: null,
        },
      ],
      errors: null,
      next_cursor: null,
    });
  });

  test('goes on where the page before ended, and narrows by state', async () => {
    const { user, urls } = await userWithTrouble();
    const first = (await user.get(`${ENDPOINTS}?limit=2`)).body;
    const second = (await user.get(`${ENDPOINTS}?limit=2&cursor=${first.next_cursor}`)).body;
    const found = [...first.data, ...second.data].map(({ url }: { url: string }) => url);
    expect(found).toEqual([urls.down, urls.gone, urls.up]);
    expect(second.next_cursor).toBeNull();
    const gone = (await user.get(`${ENDPOINTS}?state=gone`)).body.data;
    expect(gone.map(({ url }: { url: string }) => url)).toEqual([urls.gone]);
  });

  test("shows a down endpoint's recovery, and no other user's endpoints", async () => {
    const { user, urls } = await userWithTrouble();
    const [call_id = ''] = await api().stack.addCalls(1, user.userId);
    await user.post(CREATE, { call_ids: [call_id], webhook_url: urls.down });
    await expect.poll(async () => (await user.get(`${ENDPOINTS}?state=down`)).body.data).toEqual([]);
    await expect
      .poll(async () => (await user.get(`${ENDPOINTS}?state=up`)).body.data)
      .toEqual(expect.arrayContaining([expect.objectContaining({ url: urls.down, waiting: 0, next_probe_at: null })]));
    expect((await (await api().newUser()).get(ENDPOINTS)).body.data).toEqual([]);
  });

  test.each([
    ['state=open', 'state must be one of up, down, gone'],
    ['limit=501', 'limit must be a whole number'],
    ['cursor=e30', 'cursor must be the next_cursor of the page before'],
  ])('answers 400 for ?%s', async (query, message) => {
    const { status, body } = await (await api().newUser()).get(`${ENDPOINTS}?${query}`);
    expect(status).toBe(400);
    expect(body.errors).toEqual([{ error: 'invalid_parameter', message: expect.stringContaining(message) }]);
  });
});
