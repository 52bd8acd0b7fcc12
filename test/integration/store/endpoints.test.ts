import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DEFAULT_DOWN_AFTER, type EndpointState, InvalidRequestError } from '../../../contract/index.js';
import type { Store } from '../../../store/index.js';
import { batchTo, ENDS, type End, fails, URL_A, URL_B } from '../../support/endpoint-ends.js';
import {
  attempted,
  closeRequest,
  describeStores,
  FAILED,
  mustOpen,
  openRequest,
  register,
  unique,
} from '../../support/stores.js';

const endpointsOf = async (store: Store, user_id: string, state?: EndpointState) =>
  (await store.listEndpoints({ user_id, limit: 100, ...(state && { state }) })).endpoints;

const endpointOf = async (store: Store, user_id: string, webhook_url = URL_A) =>
  (await endpointsOf(store, user_id)).find(({ url }) => url === webhook_url);

/** A workflow takes the endpoint for down. */
const tellDown = (store: Store, user_id: string, key: string) =>
  store.checkpoint({ batches: [], endpoints: [{ user_id, key }] });

describeStores('an endpoint', (harness) => {
  test('is up from the registration of its first webhook', async () => {
    const { store } = harness();
    const user_id = unique('user');
    await batchTo(store, user_id);
    await batchTo(store, user_id);
    expect(await endpointsOf(store, user_id)).toEqual([
      { url: URL_A, state: 'up', since: expect.any(String), waiting: 2, last_answer: null, next_probe_at: null },
    ]);
  });

  test('is down after ten failures in a row, whatever batches they are of, since the first of them', async () => {
    const { store } = harness();
    const user_id = unique('user');
    const [a, b] = [await batchTo(store, user_id), await batchTo(store, user_id)];
    await a.ends('failed');
    const first = (await endpointOf(store, user_id))?.last_answer?.at;
    await b.ends(...fails(DEFAULT_DOWN_AFTER - 2));
    expect(await endpointOf(store, user_id)).toMatchObject({ state: 'up' });
    await a.ends('failed');
    expect(await endpointOf(store, user_id)).toEqual({
      url: URL_A,
      state: 'down',
      since: first,
      waiting: 2,
      last_answer: { at: expect.any(String), response_code: 503, error: null },
      next_probe_at: expect.any(String),
    });
  });

  test('comes up by one batch while another still takes it for down', async () => {
    const { store } = harness();
    const user_id = unique('user');
    const [a, b] = [await batchTo(store, user_id), await batchTo(store, user_id)];
    await a.ends(...fails(DEFAULT_DOWN_AFTER));
    await b.ends('delivered');
    await tellDown(store, user_id, a.key);
    expect(await endpointOf(store, user_id)).toMatchObject({
      state: 'up',
      waiting: 1,
      last_answer: { response_code: 200 },
      next_probe_at: null,
    });
  });

  test('is down as soon as a workflow says so, while it fails', async () => {
    const { store } = harness();
    const user_id = unique('user');
    const batch = await batchTo(store, user_id);
    await batch.ends(...fails(2));
    await tellDown(store, user_id, batch.key);
    expect(await endpointOf(store, user_id)).toMatchObject({ state: 'down' });
    await batch.ends('answered');
    expect(await endpointOf(store, user_id)).toMatchObject({ state: 'up', last_answer: { response_code: 404 } });
  });

  test('is down by the word of a workflow although nothing is sent to it any more', async () => {
    const { store, query } = harness();
    const user_id = unique('user');
    const { ends, key } = await batchTo(store, user_id);
    await ends(...fails(2));
    await query('update endpoints set failing_since = null where key = $1', [key]);
    expect(await tellDown(store, user_id, key)).toMatchObject([{ user_id, state: 'down' }]);
    expect(await endpointOf(store, user_id)).toMatchObject({ state: 'down', since: expect.any(String) });
  });

  test('is gone until a resend to it is answered otherwise', async () => {
    const { store } = harness();
    const user_id = unique('user');
    const { ref, ends, key } = await batchTo(store, user_id);
    await ends('failed', 'gone');
    await tellDown(store, user_id, key);
    expect(await endpointOf(store, user_id)).toMatchObject({ state: 'gone', waiting: 0 });
    const again = await register(store, { user_id, call_ids: [ref.call_id], send_type: 'resend' });
    expect(await endpointOf(store, user_id)).toMatchObject({ state: 'gone', waiting: 1 });
    await attempted(store, again.ref, ENDS.delivered);
    expect(await endpointOf(store, user_id)).toMatchObject({ state: 'up', waiting: 0 });
  });

  test('of two users with the same URL is two', async () => {
    const { store } = harness();
    const [mine, other] = [unique('user'), unique('user')];
    const [a, b] = [await batchTo(store, mine), await batchTo(store, other)];
    await a.ends(...fails(DEFAULT_DOWN_AFTER));
    await b.ends('delivered');
    expect(await endpointsOf(store, mine)).toMatchObject([{ url: URL_A, state: 'down', waiting: 1 }]);
    expect(await endpointsOf(store, other)).toMatchObject([{ url: URL_A, state: 'up', waiting: 0 }]);
  });

  test('counts failures that are recorded together, and tells of its change once', async () => {
    const { store } = harness();
    const user_id = unique('user');
    const call_ids = Array.from({ length: DEFAULT_DOWN_AFTER }, () => unique('call'));
    const { part } = await register(store, { user_id, call_ids, webhook_url: URL_B });
    const refs = call_ids.map((call_id) => ({ batch_id: part.batch_id, user_id, call_id }));
    const opened = await Promise.all(refs.map((ref) => mustOpen(store, openRequest(ref))));
    const closed = await Promise.all(
      refs.map((ref, at) => store.closeAttempt(closeRequest(ref, opened[at]?.seq ?? '', { response_code: 500 }))),
    );
    expect(await endpointOf(store, user_id, URL_B)).toMatchObject({ state: 'down', waiting: DEFAULT_DOWN_AFTER });
    expect(closed.flatMap(({ endpoint_became }) => endpoint_became ?? [])).toEqual(['down']);
  });

  test('shows when its waiting webhooks are tried next: not those of a paused batch', async () => {
    const { store } = harness();
    const user_id = unique('user');
    const { ref, ends } = await batchTo(store, user_id);
    await ends('failed');
    const { next_attempt_at } = (await store.getWebhook(user_id, ref.call_id)) ?? {};
    expect(await endpointOf(store, user_id)).toMatchObject({ next_probe_at: next_attempt_at });
    const counts = { total: 1, delivered: 0, retrying: 1, failed: 0, rejected: 0, canceled: 0, pending: 0 };
    const paused = { batch_id: ref.batch_id, counts, paused_ms: 0, paused_since: Date.now(), finished_at: null };
    await store.checkpoint({ batches: [paused], endpoints: [] });
    expect(await endpointOf(store, user_id)).toMatchObject({ waiting: 1, next_probe_at: null });
  });

  test('that nothing was sent to for long is forgotten, unless webhooks wait for it', async () => {
    const { store, query } = harness();
    const user_id = unique('user');
    const [used, waits] = [await batchTo(store, user_id), await batchTo(store, user_id, URL_B)];
    await used.ends('failed', 'delivered');
    const age = "update endpoints set used_at = '2020-01-01', answered_at = '2020-01-01' where key = any($1)";
    await query(age, [[used.key, waits.key]]);
    await store.prune({ finished_before: new Date('2021-01-01') });
    expect(await endpointsOf(store, user_id)).toMatchObject([{ url: URL_B }]);
    await register(store, { user_id, call_ids: [used.ref.call_id], send_type: 'resend' });
    await batchTo(store, user_id);
    expect(await endpointsOf(store, user_id)).toHaveLength(2);
  });

  test('that was forgotten is known again by the end of an attempt', async () => {
    const { store, query } = harness();
    const user_id = unique('user');
    const { ends, key } = await batchTo(store, user_id);
    for (const [end, state] of [
      ['failed', 'up'],
      ['gone', 'gone'],
    ] as const) {
      await query('delete from endpoints where key = $1', [key]);
      await ends(end);
      expect(await endpointOf(store, user_id)).toMatchObject({ state });
    }
  });
});

/** As the attempts alone would have it. */
class Model {
  state: EndpointState = 'up';
  #failures = 0;

  note(end: End): void {
    if (end === 'local') return;
    this.#failures = end === 'failed' ? this.#failures + 1 : 0;
    if (end !== 'failed') this.state = end === 'gone' ? 'gone' : 'up';
    else if (this.#failures >= DEFAULT_DOWN_AFTER) this.state = 'down';
  }

  told(): void {
    if (this.#failures > 0) this.state = 'down';
  }
}

const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ end: fc.constantFrom<End>('delivered', 'answered', 'gone', 'local') }) },
  { weight: 1, arbitrary: fc.record({ told: fc.constant(true) }) },
  { weight: 2, arbitrary: fc.record({ times: fc.integer({ min: 1, max: DEFAULT_DOWN_AFTER + 2 }) }) },
);

describeStores('any sequence of ends in several batches of two users', (harness) => {
  test('leaves each endpoint as its last attempts say', { timeout: 120_000 }, async () => {
    const run = fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: 2 }), step), { minLength: 1, maxLength: 15 }),
      async (steps) => {
        const { store } = harness();
        const users = [unique('user'), unique('user')];
        const [one = '', two = ''] = users;
        const models = [new Model(), new Model(), new Model()];
        const places = [
          { user_id: one, url: URL_A },
          { user_id: one, url: URL_B },
          { user_id: two, url: URL_A },
        ];
        for (const [place, step] of steps) {
          const { user_id, url } = places[place] as (typeof places)[number];
          const model = models[place] as Model;
          const batch = await batchTo(store, user_id, url);
          if ('told' in step) {
            await tellDown(store, user_id, batch.key);
            model.told();
            continue;
          }
          const ends = 'times' in step ? fails(step.times) : [step.end];
          await batch.ends(...ends);
          for (const end of ends) model.note(end);
        }
        for (const [place, { user_id, url }] of places.entries()) {
          const { state = 'up' } = (await endpointOf(store, user_id, url)) ?? {};
          expect({ place, state }).toEqual({ place, state: models[place]?.state });
        }
      },
    );
    await fc.assert(run, { numRuns: 40 });
  });
});

describeStores('the list of endpoints', (harness) => {
  test('has the trouble first, a page at a time, and one state where one is asked for', async () => {
    const { store, query } = harness();
    const user_id = unique('user');
    const states: EndpointState[] = ['up', 'down', 'gone', 'down', 'up', 'down'];
    for (const [at, state] of states.entries()) {
      const { key } = await batchTo(store, user_id, `https://${at}.example/`);
      // Two of each at the same time: by their keys.
      const since = `2026-01-01T00:00:0${at > 3 ? 1 : 2}.123Z`;
      await query('update endpoints set state = $2, since = $3 where key = $1', [key, state, since]);
    }
    await batchTo(store, unique('user'));
    const whole = await endpointsOf(store, user_id);
    expect(whole.map(({ state }) => state)).toEqual(['down', 'down', 'down', 'gone', 'up', 'up']);
    expect(whole.slice(0, 3).map(({ since }) => since)).toEqual(
      whole
        .slice(0, 3)
        .map(({ since }) => since)
        .toSorted(),
    );
    const found = [];
    for (let cursor: string | undefined; ; ) {
      const page = await store.listEndpoints({ user_id, limit: 2, ...(cursor && { cursor }) });
      found.push(...page.endpoints);
      if (page.next_cursor === null) break;
      cursor = page.next_cursor;
    }
    expect(found).toEqual(whole);
    expect(await endpointsOf(store, user_id, 'down')).toEqual(whole.slice(0, 3));
    expect(await endpointsOf(store, user_id, 'up')).toEqual(whole.slice(4));
    expect(await endpointsOf(store, unique('user'))).toEqual([]);
  });

  test('refuses a cursor that is not its own', async () => {
    const { store } = harness();
    for (const key of ['["c"]', '["open",1,"0000000000000000"]', '["up",1,"\\u0000"]', 'null']) {
      const cursor = Buffer.from(key).toString('base64url');
      const query = { user_id: unique('user'), limit: 1, cursor };
      await expect(store.listEndpoints(query)).rejects.toThrow(InvalidRequestError);
    }
  });
});

describeStores('a webhook that failed for good', (harness) => {
  test('waits no more', async () => {
    const { store } = harness();
    const user_id = unique('user');
    const { ref } = await batchTo(store, user_id);
    await attempted(store, ref, { response_code: 503, next: FAILED });
    expect(await endpointOf(store, user_id)).toMatchObject({ waiting: 0, next_probe_at: null });
  });
});
