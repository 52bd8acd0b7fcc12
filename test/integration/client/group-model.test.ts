import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { REJECTIONS, type Rejection } from '../../../contract/index.js';
import { answer } from '../../support/behaviours.js';
import { startTestStack, type TestStack } from '../../support/stack.js';

/** One small request: of which user, for which calls, and what its endpoint does; a resend goes where the calls went before. */
interface Request {
  kind: 'create' | 'resend';
  user: number;
  calls: number[];
  endpoint: Endpoint;
}

/** Takes webhooks, answers 410, or answers 500: then the batch is canceled. */
const ENDPOINTS = ['ok', 'gone', 'failing'] as const;
type Endpoint = (typeof ENDPOINTS)[number];
const STATUS: Record<Endpoint, number> = { ok: 200, gone: 410, failing: 500 };
const ENDS: Record<Endpoint, 'delivered' | 'failed' | 'canceled'> = {
  ok: 'delivered',
  gone: 'failed',
  failing: 'canceled',
};

/** Where a call stands before the requests: it has a delivered webhook, it exists, or it does not. */
type Before = 'delivered' | 'known' | 'unknown';

const CALLS = 6;
const USERS = 2;

const request: fc.Arbitrary<Request> = fc.record({
  kind: fc.constantFrom('create', 'resend'),
  user: fc.nat({ max: USERS - 1 }),
  calls: fc.uniqueArray(fc.nat({ max: CALLS - 1 }), { minLength: 1, maxLength: 4 }),
  endpoint: fc.constantFrom(...ENDPOINTS),
});
const before: fc.Arbitrary<Before> = fc.constantFrom('delivered', 'known', 'unknown');
const scene = fc.record({
  requests: fc.array(request, { minLength: 2, maxLength: 30 }),
  before: fc.array(before, { minLength: USERS * CALLS, maxLength: USERS * CALLS }),
});

/** Which calls of each request are refused when they register one after another, before anything is sent. */
function expected(requests: readonly Request[], states: readonly Before[]): (Rejection | 'accepted')[][] {
  const standing: (Before | 'in progress')[] = [...states];
  return requests.map(({ kind, user, calls }) =>
    calls.map((call) => {
      const at = user * CALLS + call;
      const rejection = rejectionOf(kind, standing[at] ?? 'unknown');
      if (!rejection) standing[at] = 'in progress';
      return rejection ?? 'accepted';
    }),
  );
}

function rejectionOf(kind: Request['kind'], standing: Before | 'in progress'): Rejection | undefined {
  switch (standing) {
    case 'unknown':
      return kind === 'create' ? 'CallNotFound' : 'WebhookNotFound';
    case 'known':
      return kind === 'create' ? undefined : 'WebhookNotFound';
    case 'delivered':
      return kind === 'create' ? 'WebhookExists' : undefined;
    case 'in progress':
      return kind === 'create' ? 'WebhookExists' : 'WebhookInProgress';
  }
}

/** Users and calls of one run, as they are before its requests. */
async function prepare({ client, store, receiver }: TestStack, states: readonly Before[]) {
  const run = randomUUID().slice(0, 8);
  const places = states.map((state, at) => ({
    state,
    user_id: `u-${run}-${Math.floor(at / CALLS)}`,
    call_id: `c-${run}-${at % CALLS}`,
  }));
  const known = places.filter(({ state }) => state !== 'unknown');
  await store.upsertCalls(known.map(({ user_id, call_id }) => ({ user_id, call_id, data: { call_id } })));
  const delivered = places.filter(({ state }) => state === 'delivered');
  for (const { user_id, call_id } of delivered) {
    const batch = await client.create({
      user_id,
      call_ids: [call_id],
      webhook_url: receiver.url,
      idempotency_key: call_id,
    });
    expect(await batch.result()).toMatchObject({ delivered: 1 });
  }
  return { user: (at: number) => `u-${run}-${at}`, call: (at: number) => `c-${run}-${at}` };
}

test('requests that share a workflow behave as if they had come one after another', { timeout: 300_000 }, async () => {
  const stack = await startTestStack({
    environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_PROBE_INTERVAL: '24h' },
  });
  const { client, receiver } = stack;
  receiver.behaviour = (request, response) =>
    answer(Number(/\/(\d{3})\//.exec(request.path)?.[1] ?? 200))(request, response);
  const property = fc.asyncProperty(scene, async ({ requests, before }) => {
    const { user, call } = await prepare(stack, before);
    receiver.clear();
    const batches = await Promise.all(
      requests.map(({ kind, endpoint, ...of }, index) => {
        const request = { user_id: user(of.user), call_ids: of.calls.map(call) };
        // An endpoint's health is known to all batches of its user: each has its own.
        const webhook_url = `${receiver.url}/${STATUS[endpoint]}/${index}`;
        return kind === 'create' ? client.create({ ...request, webhook_url }) : client.resend(request);
      }),
    );
    expect(new Set(batches.map(({ workflowId }) => workflowId)).size).toBe(1);
    const outcomes = expected(requests, before);
    for (const [index, batch] of batches.entries()) {
      const own = outcomes[index] ?? [];
      const endpoint = requests[index]?.kind === 'create' ? (requests[index]?.endpoint ?? 'ok') : 'ok';
      const refused = own.filter((outcome) => outcome !== 'accepted');
      if (endpoint === 'failing' && refused.length < own.length) {
        await expect.poll(() => batch.progress()).toMatchObject({ retrying: own.length - refused.length });
        await batch.cancel();
      }
      const { batch_id, errors, total, rejected, ...counts } = await batch.result();
      expect({ batch_id, total, rejected }).toEqual({
        batch_id: batch.batchId,
        total: own.length,
        rejected: refused.length,
      });
      expect(counts[ENDS[endpoint]]).toBe(own.length - refused.length);
      const rejections = new Set<string>(REJECTIONS);
      expect(errors.flatMap(({ error }) => (rejections.has(error) ? [error] : []))).toEqual(refused);
    }
    const sent = outcomes.flat().filter((outcome) => outcome === 'accepted').length;
    expect(receiver.requests).toHaveLength(sent);
  });
  await fc.assert(property, { numRuns: 25, endOnFailure: true });
});
