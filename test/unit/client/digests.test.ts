import { describe, expect, test } from 'vitest';
import {
  batchIdOfKey,
  fairnessKey,
  type RequestContent,
  randomBatchId,
  requestFingerprint,
} from '../../../client/digests.js';
import { isBatchId } from '../../../contract/index.js';

const request: RequestContent = {
  send_type: 'create',
  webhook_url: 'https://example.com/hooks',
  call_ids: ['c-1', 'c-2'],
  options: { max_in_flight: 10 },
};

test('random and derived batch IDs are batch IDs', () => {
  expect(isBatchId(randomBatchId())).toBe(true);
  expect(isBatchId(batchIdOfKey('u', 'k'))).toBe(true);
  expect(randomBatchId()).not.toBe(randomBatchId());
});

test('a batch ID is derived from user and key together, unambiguously', () => {
  expect(batchIdOfKey('u', 'k')).toBe(batchIdOfKey('u', 'k'));
  const ids = [
    batchIdOfKey('u', 'k'),
    batchIdOfKey('u', 'k2'),
    batchIdOfKey('u2', 'k'),
    batchIdOfKey('uk', ''),
    batchIdOfKey('k', 'u'),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});

describe('a request fingerprint', () => {
  test('does not depend on the order of the fields', () => {
    const { call_ids, options, send_type, webhook_url } = request;
    expect(requestFingerprint({ options, call_ids, webhook_url, send_type })).toBe(requestFingerprint(request));
  });

  test.each<[string, Partial<RequestContent>]>([
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
    expect(requestFingerprint({ ...request, ...change })).not.toBe(requestFingerprint(request));
  });
});

test('a fairness key tells endpoints of users apart and fits 64 bytes', () => {
  const keys = [
    fairnessKey('u', 'https://a.example/'),
    fairnessKey('u', 'https://b.example/'),
    fairnessKey('v', 'https://a.example/'),
    fairnessKey('u', undefined),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  for (const key of keys) expect(Buffer.byteLength(key)).toBeLessThanOrEqual(64);
});
