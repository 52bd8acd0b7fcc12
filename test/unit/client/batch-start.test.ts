import { describe, expect, test } from 'vitest';
import { createStart, resendStart, workflowStart } from '../../../client/batch-start.js';
import {
  createRequestSchema,
  InvalidRequestError,
  MAX_CALLS_PER_BATCH,
  MAX_CALLS_PER_REQUEST,
  resendRequestSchema,
  workflowIdOf,
} from '../../../contract/index.js';

const request = { user_id: 'u-1', call_ids: ['c-1', 'c-2'], webhook_url: 'https://example.com/hooks?token=secret' };

const problemsOf = (run: () => unknown): string[] => {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidRequestError) return error.problems.map(({ message }) => message);
    throw error;
  }
  return [];
};

describe('a request alone', () => {
  test('carries its calls and URL to the workflow, and nothing else', () => {
    const { batchIds, options } = workflowStart([createStart(request)]);
    const [batch_id = ''] = batchIds;
    expect(batch_id).toMatch(/^b_[0-9a-f]{32}\.[0-9a-f]{8}$/);
    expect(options.workflowId).toBe(workflowIdOf(batch_id));
    expect(options.args).toEqual([{ batches: [{ batch_id, ...request, send_type: 'create' }] }]);
    expect(options.memo).toEqual({ batches: [{ batch_id, user_id: 'u-1', total: 2 }] });
    expect(options.priority?.fairnessKey).toMatch(/^\w{1,64}$/);
  });

  test.each([
    ['create', createRequestSchema, createStart],
    ['resend', resendRequestSchema, resendStart],
  ] as const)('loses no field that a %s may have on its way to the workflow', (_, { shape }, start) => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const whole = { ...request, idempotency_key: 'key-17', options: { max_in_flight: 7, down_after: 3 }, traceparent };
    const fields = Object.keys(shape) as (keyof typeof whole)[];
    expect(Object.keys(whole)).toEqual(expect.arrayContaining(fields));
    const given = Object.fromEntries(fields.map((field) => [field, whole[field]])) as typeof whole;
    const { idempotency_key: _key, ...content } = given;
    expect(start(given).request).toMatchObject(content);
  });

  test('has no URL as a resend', () => {
    const [{ batches }] = workflowStart([resendStart({ user_id: 'u-1', call_ids: ['c-1'] })]).options.args;
    expect(batches[0]).toMatchObject({ send_type: 'resend', call_ids: ['c-1'] });
    expect(batches[0]).not.toHaveProperty('webhook_url');
  });

  test('hands its options on', () => {
    const options = { max_in_flight: 7, down_after: 3 };
    expect(createStart({ ...request, options }).request.options).toEqual(options);
  });

  test('with an idempotency key has a workflow of that key, a batch of its own, and hides the key', () => {
    const [first, second] = [0, 1].map(() => workflowStart([createStart({ ...request, idempotency_key: 'key-17' })]));
    expect(first?.options.workflowId).toBe(second?.options.workflowId);
    expect(first?.batchIds).not.toEqual(second?.batchIds);
    expect(first?.options.memo).toMatchObject({ batches: [{ fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/) }] });
    expect(JSON.stringify(first)).not.toContain('key-17');
  });

  test('is named in the Web UI by host and number of calls, and the query of its URL is hidden', () => {
    const { staticSummary, staticDetails, memo } = workflowStart([createStart(request)]).options;
    expect(staticSummary).toBe('create: 2 calls → example.com');
    expect(staticDetails).toContain('https://example.com/hooks?…');
    expect(staticDetails).not.toContain('secret');
    expect(JSON.stringify(memo)).not.toMatch(/c-1|example/);
  });

  test('has a summary below the 400 bytes that Temporal takes', () => {
    const host = `${Array.from({ length: 4 }, () => 'a'.repeat(60)).join('.')}.example`;
    const { staticSummary } = workflowStart([
      createStart({ ...request, webhook_url: `https://${host}:12345/` }),
    ]).options;
    expect(Buffer.byteLength(staticSummary)).toBeLessThan(400);
  });
});

describe('requests that share a workflow', () => {
  const other = { ...request, user_id: 'u-2', call_ids: ['c-1'] };
  const starts = [createStart(request), createStart(other), resendStart({ user_id: 'u-1', call_ids: ['c-9'] })];

  test('are batches of their own, in their order', () => {
    const { batchIds, options } = workflowStart(starts);
    expect(new Set(batchIds).size).toBe(3);
    expect(batchIds.map(workflowIdOf)).toEqual(Array(3).fill(options.workflowId));
    expect(options.args[0].batches).toEqual(starts.map((start, at) => ({ batch_id: batchIds[at], ...start.request })));
    expect(options.memo).toEqual({
      batches: [
        { batch_id: batchIds[0], user_id: 'u-1', total: 2 },
        { batch_id: batchIds[1], user_id: 'u-2', total: 1 },
        { batch_id: batchIds[2], user_id: 'u-1', total: 1 },
      ],
    });
    expect(options).not.toHaveProperty('priority');
  });

  test('are counted in the summary', () => {
    expect(workflowStart(starts).options.staticSummary).toBe('3 requests: 4 calls to 2 endpoints, 1 sent again');
    expect(workflowStart([...starts.slice(2), ...starts.slice(2)]).options.staticSummary).toBe(
      '2 requests: 2 calls, 2 sent again',
    );
  });

  test('are listed in the details, which stay below the 20,000 bytes that Temporal takes', () => {
    const { batchIds, options } = workflowStart(starts);
    for (const batchId of batchIds) expect(options.staticDetails).toContain(batchId);
    const webhook_url = `https://example.com/${'x'.repeat(2_000)}`;
    const large = createStart({ user_id: '😀'.repeat(64), call_ids: ['c'], webhook_url });
    const { staticDetails } = workflowStart(Array.from({ length: 500 }, () => large)).options;
    expect(staticDetails).toContain('and 485 more');
    expect(Buffer.byteLength(staticDetails)).toBeLessThan(20_000);
  });
});

test.each<[string, object, string]>([
  ['no calls', { call_ids: [] }, 'call_ids must name at least one call'],
  ['a repeated call', { call_ids: ['a', 'a'] }, 'call_ids[1] repeats "a"'],
  ['no URL', { webhook_url: undefined }, 'webhook_url is required'],
  ['a relative URL', { webhook_url: '/hooks' }, 'webhook_url must be an absolute http or https URL'],
  ['no user', { user_id: '' }, 'user_id must not be empty'],
  ['an empty key', { idempotency_key: '' }, 'idempotency_key must not be empty'],
])('a create with %s is refused', (_, change, message) => {
  expect(problemsOf(() => createStart({ ...request, ...change }))).toContain(message);
});

test.each([
  [MAX_CALLS_PER_REQUEST, 128],
  [MAX_CALLS_PER_BATCH, 40],
])('%i calls with IDs of %i characters are accepted', (count, length) => {
  const call_ids = Array.from({ length: count }, (_, index) => `c-${index}`.padEnd(length, 'x'));
  expect(createStart({ ...request, call_ids }).request.call_ids).toHaveLength(count);
});

test('a request too large for Temporal is refused, and the remedy is named', () => {
  const call_ids = Array.from({ length: MAX_CALLS_PER_REQUEST }, (_, index) => `${index}`.padEnd(128, 'é'));
  const problems = problemsOf(() => createStart({ ...request, call_ids }));
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/^call_ids .*1400000.*several requests$/);
});
