import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BatchRequest, hostOf, listOf, MORE, searchAttributesOf } from '../../../contract/index.js';

const batch = (user_id: string, calls: number, webhook_url?: string): BatchRequest => ({
  batch_id: 'b.1',
  user_id,
  send_type: webhook_url === undefined ? 'resend' : 'create',
  ...(webhook_url !== undefined && { webhook_url }),
  call_ids: Array.from({ length: calls }, (_, n) => `c-${n}`),
});

const valuesOf = (batches: BatchRequest[]) =>
  Object.fromEntries(searchAttributesOf(batches).map(({ key, value }) => [key.name, value]));

describe('what a start is found by', () => {
  test('is each user and host once, and all calls', () => {
    const batches = [
      batch('acme', 2, 'https://a.example/hook?key=1'),
      batch('acme', 1, 'https://b.example:8443/'),
      batch('other', 3, 'https://a.example/'),
    ];
    expect(valuesOf(batches)).toEqual({
      PostcallUser: ['acme', 'other'],
      PostcallHost: ['a.example', 'b.example:8443'],
      PostcallState: 'delivering',
      PostcallCalls: 6,
    });
  });

  test('of a resend has no hosts yet', () => {
    expect(valuesOf([batch('acme', 1)])).toMatchObject({ PostcallHost: [] });
  });
});

test.each([
  ['https://a.example/', 'a.example'],
  ['http://[::1]:9000/hook', '[::1]:9000'],
  ['https://a.example', 'a.example'],
  ['0123456789abcdef', ''],
])('the host of %s is %j', (url, host) => {
  expect(hostOf(url)).toBe(host);
});

describe('a list', () => {
  const value = fc.string({ unit: 'grapheme', maxLength: 128 });

  test('stays below 1,500 bytes of JSON, and says so when it is cut', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 600 }), (values) => {
        const list = listOf(values);
        expect(Buffer.byteLength(JSON.stringify(list))).toBeLessThanOrEqual(1_500);
        const whole = [...new Set(values)].filter((text) => text !== MORE);
        const kept = list.at(-1) === MORE ? list.slice(0, -1) : list;
        expect(kept).toEqual(whole.slice(0, kept.length));
        expect(list.at(-1) === MORE).toBe(kept.length < whole.length);
      }),
    );
  });

  test('that was cut stays as it is, whatever comes to it', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 100, maxLength: 600 }), fc.array(value), (values, others) => {
        const list = listOf(values);
        fc.pre(list.at(-1) === MORE);
        expect(listOf([...list, ...values, ...others])).toEqual(list);
      }),
    );
  });
});
