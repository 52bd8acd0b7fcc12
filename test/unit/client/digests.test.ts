import { describe, expect, test } from 'vitest';
import {
  fairnessKey,
  randomSuffix,
  randomWorkflowPart,
  requestFingerprint,
  workflowPartOfKey,
} from '../../../client/digests.js';
import { type BatchRequest, batchId, isBatchId, workflowIdOf } from '../../../contract/index.js';

const request: Omit<BatchRequest, 'batch_id'> = {
  user_id: 'u-1',
  send_type: 'create',
  webhook_url: 'https://example.com/hooks',
  call_ids: ['c-1', 'c-2'],
  options: { max_in_flight: 10 },
};

test('workflow part and suffix make a batch ID, whose workflow is named by the part', () => {
  for (const part of [randomWorkflowPart(), workflowPartOfKey('u', 'k')]) {
    const id = batchId(part, randomSuffix());
    expect(isBatchId(id)).toBe(true);
    expect(workflowIdOf(id)).toBe(`postcall-${part}`);
  }
  expect(randomWorkflowPart()).not.toBe(randomWorkflowPart());
  expect(randomSuffix()).toMatch(/^[0-9a-f]{8}$/);
});

test('the workflow of a key is derived from user and key together, unambiguously', () => {
  expect(workflowPartOfKey('u', 'k')).toBe(workflowPartOfKey('u', 'k'));
  const parts = [
    workflowPartOfKey('u', 'k'),
    workflowPartOfKey('u', 'k2'),
    workflowPartOfKey('u2', 'k'),
    workflowPartOfKey('uk', ''),
    workflowPartOfKey('k', 'u'),
  ];
  expect(new Set(parts).size).toBe(parts.length);
});

describe('a request fingerprint', () => {
  test('does not depend on the order of the fields', () => {
    const reversed = Object.fromEntries(Object.entries(request).reverse()) as typeof request;
    expect(requestFingerprint(reversed)).toBe(requestFingerprint(request));
  });

  test.each<[string, Omit<BatchRequest, 'batch_id'>, string]>([
    ['a create', request, '363c9eb136657e5b651768b7ec9dbe07'],
    [
      'a create without options',
      { user_id: 'u-1', send_type: 'create', webhook_url: 'https://example.com/', call_ids: ['c-1'] },
      '39fc9f24be0f02c06fe2677ca2f0eb3c',
    ],
    ['a resend', { user_id: 'u-1', send_type: 'resend', call_ids: ['c-1'] }, '8eb11556b06feead4233ae78ac45772a'],
  ])('of %s stays what it is: idempotency keys outlive a version', (_, content, fingerprint) => {
    expect(requestFingerprint(content)).toBe(fingerprint);
  });

  test('counts a field that is not defined as absent, and an unknown one', () => {
    expect(requestFingerprint({ ...request, options: { ...request.options, down_after: undefined } })).toBe(
      requestFingerprint(request),
    );
    expect(requestFingerprint({ ...request, ...{ headers: { 'x-a': '1' } } })).not.toBe(requestFingerprint(request));
  });

  test.each<[string, Partial<Record<keyof BatchRequest, unknown>>]>([
    ['send type', { send_type: 'resend' }],
    ['URL', { webhook_url: 'https://example.com/hooks2' }],
    ['absence of a URL', { webhook_url: undefined }],
    ['calls', { call_ids: ['c-1', 'c-3'] }],
    ['order of calls', { call_ids: ['c-2', 'c-1'] }],
    ['boundaries between call IDs', { call_ids: ['c-1","c-2'] }],
    ['absence of options', { options: undefined }],
    ['options', { options: { max_in_flight: 11 } }],
    ['which option it is', { options: { down_after: 10 } }],
  ])('changes with the %s', (_, change) => {
    expect(requestFingerprint({ ...request, ...change } as typeof request)).not.toBe(requestFingerprint(request));
  });
});

test('a fairness key tells hosts and users apart, not the URLs of a host, and fits 64 bytes', () => {
  const keys = [
    fairnessKey('u', 'https://a.example/'),
    fairnessKey('u', 'https://b.example/'),
    fairnessKey('v', 'https://a.example/'),
    fairnessKey('u', undefined),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  expect(fairnessKey('u', 'https://a.example/?call=2')).toBe(keys[0]);
  for (const key of keys) expect(Buffer.byteLength(key)).toBeLessThanOrEqual(64);
});
