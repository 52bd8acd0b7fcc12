import { expect, test } from 'vitest';
import { endpointRef } from '../../../store/endpoint-ref.js';

test('an endpoint is a user’s URL, and its origin a user’s scheme, host and port', () => {
  const one = endpointRef('user', 'https://example.com/hook?tenant=1');
  const two = endpointRef('user', 'https://example.com/hook?tenant=2');
  expect(one.key).not.toBe(two.key);
  expect(one.origin).toBe(two.origin);
  expect(endpointRef('user', 'http://example.com/hook').origin).not.toBe(one.origin);
  expect(endpointRef('user', 'https://example.com:8443/hook').origin).not.toBe(one.origin);
  expect(endpointRef('other', 'https://example.com/hook?tenant=1')).not.toMatchObject({ key: one.key });
  expect(endpointRef('other', 'https://example.com/hook').origin).not.toBe(one.origin);
});

test('no user’s name can be mistaken for the beginning of another’s URL', () => {
  const url = 'https://example.com/';
  expect(endpointRef('a","b', url).key).not.toBe(endpointRef('a', `${url}","b`).key);
});

test('hashes are 16 hex digits, and the label is short and without the query', () => {
  const { key, origin, label } = endpointRef('user', `https://example.com/${'x'.repeat(200)}?token=secret`);
  expect([key, origin]).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/), expect.stringMatching(/^[0-9a-f]{16}$/)]);
  expect(label).toHaveLength(100);
  expect(label).toMatch(/^https:\/\/example\.com\/x+$/);
});
