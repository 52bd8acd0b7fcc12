import { expect, test } from 'vitest';
import { type BadLine, importCalls, parseCall } from '../../../../client/cli/import-calls.js';
import type { Line } from '../../../../client/cli/lines.js';
import { StoreQueryError, StoreUnavailableError } from '../../../../store/errors.js';
import type { CallRecord } from '../../../../store/store.js';

async function* lines(...texts: string[]): AsyncGenerator<Line> {
  for (const text of texts) yield { text };
}

async function importAll(input: AsyncIterable<Line>, userId?: string) {
  const chunks: CallRecord[][] = [];
  const bad: BadLine[] = [];
  const upsert = async (calls: CallRecord[]) => {
    chunks.push(calls);
  };
  const summary = await importCalls(input, userId, upsert, (line) => bad.push(line));
  return { summary, chunks, bad };
}

test('a call is imported as the very text of its line, owner included', () => {
  const line = '{"call_id":"c-1", "user_id":"u-1","text":"Grüß Gott \\u00e9","price":1.10,"id":12345678901234567890}';
  expect(parseCall(line, 'somebody-else')).toEqual({ call_id: 'c-1', user_id: 'u-1', data: line });
});

test('a line without user_id belongs to the user named for it, and its data stays without', () => {
  expect(parseCall('{"call_id":"c-1"}', 'u-2')).toEqual({ call_id: 'c-1', user_id: 'u-2', data: '{"call_id":"c-1"}' });
});

test('a user_id that is a number is compared as the text of the line', () => {
  const line = '{"call_id":"c-1","user_id":12345678901234567890}';
  expect(parseCall(line, undefined)).toMatchObject({ user_id: '12345678901234567890' });
});

test.each<[string, RegExp]>([
  ['{"call_id":"c-1"', /^is not JSON: .*one call a line/],
  ['[1]', /one call a line/],
  ['null', /one call a line/],
  ['{"user_id":"u-1"}', /^call_id is required$/],
  ['{"call_id":7,"user_id":"u-1"}', /^call_id must be a string$/],
  ['{"call_id":""}', /^call_id must not be empty$/],
  ['{"call_id":"c-1","user_id":""}', /^user_id must not be empty$/],
  ['{"call_id":"c-1","user_id":{}}', /user_id is neither a string nor a number/],
  ['{"call_id":"c-1","user_id":"u-1","user_id":"u-2"}', /more than one user_id/],
  [`{"call_id":"c-1","user_id":"u-1","deep":${'['.repeat(101)}${']'.repeat(101)}}`, /nested deeper/],
  ['{"call_id":"c-1"}', /^has no user_id; .*--user-id/],
])('%s is refused, and the message says what to do', (line, message) => {
  expect(parseCall(line, undefined)).toMatch(message);
});

test('good lines are imported, bad ones named by their number, blank ones skipped', async () => {
  const input = lines('\uFEFF{"call_id":"c-1"}', '', 'nonsense', '  {"call_id":"c-2"}  ', '{}');
  const { summary, chunks, bad } = await importAll(input, 'u-1');
  expect(chunks.flat().map(({ call_id }) => call_id)).toEqual(['c-1', 'c-2']);
  expect(bad.map(({ line }) => line)).toEqual([3, 5]);
  expect(summary).toEqual({ imported: 2, bad: 2 });
});

test('a large file goes to the store in chunks', async () => {
  const { summary, chunks } = await importAll(
    lines(...Array.from({ length: 1_201 }, (_, index) => JSON.stringify({ call_id: `c-${index}` }))),
    'u-1',
  );
  expect(chunks.map((chunk) => chunk.length)).toEqual([500, 500, 201]);
  expect(summary).toEqual({ imported: 1_201, bad: 0 });
});

test('large calls go to the store a few at a time', async () => {
  const large = (id: number) => JSON.stringify({ call_id: `c-${id}`, text: 'x'.repeat(3_000_000) });
  const { summary, chunks } = await importAll(lines(...[1, 2, 3, 4, 5, 6, 7].map(large)), 'u-1');
  expect(chunks.map((chunk) => chunk.length)).toEqual([3, 3, 1]);
  expect(summary).toEqual({ imported: 7, bad: 0 });
});

test('a line that cannot be read is named, and the others are imported', async () => {
  async function* input(): AsyncGenerator<Line> {
    yield { text: '{"call_id":"c-1"}' };
    yield { problem: 'is not UTF-8' };
    yield { text: '{"call_id":"c-3"}' };
  }
  const { summary, bad } = await importAll(input(), 'u-1');
  expect(bad).toEqual([{ line: 2, message: 'is not UTF-8' }]);
  expect(summary).toEqual({ imported: 2, bad: 1 });
});

test('a call that comes twice is as it comes last', async () => {
  const { chunks } = await importAll(lines('{"call_id":"c-1","n":1}', '{"call_id":"c-1","n":2}'), 'u-1');
  expect(chunks.flat().map(({ data }) => data)).toEqual(['{"call_id":"c-1","n":2}']);
});

test('the same call ID of two users is two calls', async () => {
  const { summary } = await importAll(lines('{"call_id":"c-1","user_id":"u-1"}', '{"call_id":"c-1","user_id":"u-2"}'));
  expect(summary).toEqual({ imported: 2, bad: 0 });
});

/** A store that refuses a statement with a call of this ID in it. */
const refusing = (callId: string, error: Error) => async (calls: CallRecord[]) => {
  if (calls.some(({ call_id }) => call_id === callId)) throw error;
};

test('a call that the database refuses is named, and the others are imported', async () => {
  const bad: BadLine[] = [];
  const input = lines(...['c-1', 'c-2', 'c-3'].map((call_id) => JSON.stringify({ call_id })));
  const upsert = refusing('c-2', new StoreQueryError('invalid text', '22P05'));
  expect(await importCalls(input, 'u-1', upsert, (line) => bad.push(line))).toEqual({ imported: 2, bad: 1 });
  expect(bad).toEqual([{ line: 2, message: expect.stringContaining('invalid text') }]);
});

test('a database that is away ends the import', async () => {
  const upsert = refusing('c-1', new StoreUnavailableError('away'));
  await expect(importCalls(lines('{"call_id":"c-1"}'), 'u-1', upsert, () => undefined)).rejects.toThrow('away');
});
