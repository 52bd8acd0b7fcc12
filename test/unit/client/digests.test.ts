import { describe, expect, test } from 'vitest';
import {
  fairnessKey,
  type RequestContent,
  randomSuffix,
  randomWorkflowPart,
  requestFingerprint,
  workflowPartOfKey,
} from '../../../client/digests.js';
import { batchId, isBatchId, workflowIdOf } from '../../../contract/index.js';

const request: RequestContent = {
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
