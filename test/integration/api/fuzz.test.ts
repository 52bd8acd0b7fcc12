import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createBodySchema } from '../../../contract/index.js';
import { type Answer, type ApiUser, sharedApi } from '../../support/api.js';

const CREATE = '/v1/postcall/webhooks/create';
const api = sharedApi({ environment: { POSTCALL_RETRY_SCHEDULE: '1h' } });
let user: ApiUser;
beforeAll(async () => {
  user = await api().newUser();
});

const PROTOTYPE_KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];

const text = fc.string({ unit: 'binary', maxLength: 200 });
const anything = fc.anything({ key: fc.oneof(text, fc.constantFrom(...PROTOTYPE_KEYS)), maxDepth: 3 });
const url = fc.oneof(fc.webUrl({ withQueryParameters: true }), text, anything);
const callIds = fc.oneof(
  fc.array(text, { maxLength: 20 }),
  fc.array(anything, { maxLength: 20 }),
  fc.tuple(text, fc.integer({ min: 0, max: 20_000 })).map(([value, length]) => Array(length).fill(value)),
  anything,
);
const request = fc.record({ call_ids: callIds, webhook_url: url, extra: anything }, { requiredKeys: [] });

/** As JavaScript can send it: BigInt and the like have no JSON. */
const json = fc.oneof(request, anything).map((value) => {
  try {
    return JSON.stringify(value) ?? 'undefined';
  } catch {
    return 'null';
  }
});
/** JSON with a piece cut out, or other bytes put in. */
const malformed = fc
  .tuple(json, fc.nat(), fc.nat({ max: 20 }), text)
  .map(
    ([whole, at, length, other]) =>
      whole.slice(0, at % whole.length) + other + whole.slice((at % whole.length) + length),
  );
const withPrototypeKeys = fc
  .tuple(fc.constantFrom(...PROTOTYPE_KEYS), fc.json())
  .map(([key, value]) => `{"call_ids":["c-none"],"webhook_url":"http://127.0.0.1:1/","${key}":${value}}`);

const headers = fc.record(
  {
    prefer: fc.oneof(fc.constant('wait=1'), fc.string({ maxLength: 50 })),
    'idempotency-key': fc.string({ maxLength: 300 }),
    'content-type': fc.constantFrom(
      'application/json',
      'application/json; charset=latin1',
      'text/json',
      'application/JSON',
    ),
  },
  { requiredKeys: [] },
);

/** In the API's shape, whatever was sent; nothing of ours shows. */
function expectRefusal({ status, headers, body, text: sent }: Answer): void {
  expect([400, 413, 415, 422]).toContain(status);
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(body.data).toBeNull();
  expect(body.errors.length).toBeGreaterThan(0);
  for (const error of body.errors) {
    expect(Object.keys(error).filter((key) => key !== 'call_id')).toEqual(['error', 'message']);
    expect(error.error).toBe('invalid_parameter');
  }
  expect(sent).not.toMatch(/node_modules|\.[tj]s:\d+|SQLSTATE/);
}

const isRequest = (body: string): boolean => {
  try {
    return createBodySchema.safeParse(JSON.parse(body)).success;
  } catch {
    return false;
  }
};

/** Of the lists, a parameter with each value: NUL, what is no UTF-8, and what comes twice. */
const query = fc
  .tuple(
    fc.constantFrom('failed', 'endpoints', 'batches/a.b/webhooks'),
    fc.constantFrom('since', 'until', 'url', 'batch_id', 'limit', 'cursor', 'status', 'state', ...PROTOTYPE_KEYS),
    fc.array(
      fc.oneof(
        text.map((value) => encodeURIComponent(value.toWellFormed())),
        fc.json().map((value) => Buffer.from(value).toString('base64url')),
        fc.constantFrom('%00', '%ff', '%', '%ED%A0%80', '1e9', ''),
      ),
      { minLength: 1, maxLength: 2 },
    ),
  )
  .map(([list, name, values]) => `/v1/postcall/${list}?${values.map((value) => `${name}=${value}`).join('&')}`);

test('a list answers any query, or says in our own words what of it is wrong', async () => {
  await fc.assert(
    fc.asyncProperty(query, async (path) => {
      const answered = await user.get(path);
      if (answered.status === 200 || answered.status === 404) return;
      expectRefusal(answered);
      for (const { message } of answered.body.errors) expect(message).toMatch(/^(the query|[a-z_]+) must /);
    }),
    { numRuns: 300, interruptAfterTimeLimit: 40_000 },
  );
});

describe('the create route', () => {
  test.each([
    ['any JSON', json],
    ['malformed JSON', malformed],
    ['any text', text],
    ['keys of prototypes', withPrototypeKeys],
  ])('refuses %s in the API’s shape, with no fault of its own', async (_, bodies) => {
    await fc.assert(
      fc.asyncProperty(bodies, headers, async (body, extra) => {
        // No call of the user exists, so that those of a request that happens to be valid are rejected.
        const answered = await user.post(CREATE, body, { prefer: 'wait=5', ...extra });
        if (answered.status === 202) expect(isRequest(body)).toBe(true);
        else expectRefusal(answered);
      }),
      { numRuns: 100, interruptAfterTimeLimit: 40_000 },
    );
    expect({}).not.toHaveProperty('admin');
  });

  test('refuses huge arrays, deep nesting and many fields', async () => {
    const nested = `${'['.repeat(500_000)}${']'.repeat(500_000)}`;
    const bodies = [
      `{"call_ids":${nested},"webhook_url":"http://127.0.0.1:1/"}`,
      nested,
      JSON.stringify({ call_ids: Array(400_000).fill(1), webhook_url: 'x' }),
      JSON.stringify({ call_ids: Array(10_000).fill('a'), webhook_url: 'http://127.0.0.1:1/' }),
      `{${Array.from({ length: 100_000 }, (__, index) => `"f${index}":1`).join()}}`,
      `{"call_ids":["${'\\u0000'.repeat(300_000)}"],"webhook_url":"http://127.0.0.1:1/"}`,
    ];
    for (const body of bodies) {
      const answered = await user.post(CREATE, body);
      expectRefusal(answered);
      expect(answered.body.errors.length).toBeLessThanOrEqual(21);
    }
  });
});
