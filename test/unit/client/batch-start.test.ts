import { expect, test } from 'vitest';
import { createStart, resendStart, startOptions } from '../../../client/batch-start.js';
import { InvalidRequestError, MAX_CALLS_PER_BATCH } from '../../../contract/index.js';

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

test('a create carries its calls and URL to the workflow, and nothing else', () => {
  const { workflowId, args } = startOptions(createStart(request));
  const [input] = args;
  expect(workflowId).toBe(`postcall-${input.batch_id}`);
  expect(input).toEqual({
    batch_id: input.batch_id,
    ...request,
    send_type: 'create',
    fairness_key: input.fairness_key,
  });
});

test('a resend has no URL', () => {
  const [input] = startOptions(resendStart({ user_id: 'u-1', call_ids: ['c-1'] })).args;
  expect(input).toMatchObject({ send_type: 'resend', call_ids: ['c-1'] });
  expect(input).not.toHaveProperty('webhook_url');
});

test('options are handed on', () => {
  const options = { max_in_flight: 7, down_after: 3 };
  expect(createStart({ ...request, options }).input.options).toEqual(options);
});

test('an idempotency key makes the batch ID, and stays out of what Temporal sees', () => {
  const withKey = { ...request, idempotency_key: 'key-17' };
  const start = createStart(withKey);
  expect(start.input.batch_id).toBe(createStart(withKey).input.batch_id);
  expect(JSON.stringify(startOptions(start))).not.toContain('key-17');
  expect(createStart(request).input.batch_id).not.toBe(createStart(request).input.batch_id);
});

test('the texts for the Web UI name host and number of calls, and hide the query of the URL', () => {
  const { staticSummary, staticDetails, memo } = startOptions(createStart(request));
  expect(staticSummary).toBe('create: 2 calls → example.com');
  expect(staticDetails).toContain('https://example.com/hooks?…');
  expect(staticDetails).not.toContain('secret');
  expect(JSON.stringify(memo)).not.toMatch(/c-1|example/);
});

test('the summary stays below the 400 bytes that Temporal takes', () => {
  const host = `${Array.from({ length: 4 }, () => 'a'.repeat(60)).join('.')}.example`;
  const { staticSummary } = startOptions(createStart({ ...request, webhook_url: `https://${host}:12345/` }));
  expect(Buffer.byteLength(staticSummary)).toBeLessThan(400);
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

test('10,000 calls with long IDs are accepted', () => {
  const call_ids = Array.from({ length: MAX_CALLS_PER_BATCH }, (_, index) => `c-${index}`.padEnd(128, 'x'));
  expect(createStart({ ...request, call_ids }).input.call_ids).toHaveLength(MAX_CALLS_PER_BATCH);
});

test('a request too large for Temporal is refused, and the remedy is named', () => {
  const call_ids = Array.from({ length: MAX_CALLS_PER_BATCH }, (_, index) => `${index}`.padEnd(128, 'é'));
  const problems = problemsOf(() => createStart({ ...request, call_ids }));
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/^call_ids .*1800000.*several requests$/);
});
