import { expect, test } from 'vitest';
import { type BadLine, importCalls, parseCall } from '../../../../client/cli/import-calls.js';
import type { CallRecord } from '../../../../store/store.js';

async function* lines(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

async function importAll(input: AsyncIterable<string>, userId?: string) {
  const chunks: CallRecord[][] = [];
  const bad: BadLine[] = [];
  const upsert = async (calls: CallRecord[]) => {
    chunks.push(calls);
  };
  const summary = await importCalls(input, userId, upsert, (line) => bad.push(line));
  return { summary, chunks, bad };
}

test('a call is imported as its line has it, owner included', () => {
  const call = { call_id: 'c-1', user_id: 'u-1', transcripts: [{ text: 'Grüß Gott' }], price: 0.12, summary: null };
  expect(parseCall(JSON.stringify(call), 'somebody-else')).toEqual({ call_id: 'c-1', user_id: 'u-1', data: call });
});

test('a line without user_id belongs to the user named for it, and its data stays without', () => {
  expect(parseCall('{"call_id":"c-1"}', 'u-2')).toEqual({ call_id: 'c-1', user_id: 'u-2', data: { call_id: 'c-1' } });
});

test.each<[string, RegExp]>([
  ['{"call_id":"c-1"', /^is not JSON: .*one call a line/],
  ['[1]', /one call a line/],
  ['null', /one call a line/],
  ['{"user_id":"u-1"}', /^call_id is required$/],
  ['{"call_id":7,"user_id":"u-1"}', /^call_id must be a string$/],
  ['{"call_id":"","user_id":""}', /call_id must not be empty; user_id must not be empty/],
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

test('a call that comes twice is as it comes last', async () => {
  const { chunks } = await importAll(lines('{"call_id":"c-1","n":1}', '{"call_id":"c-1","n":2}'), 'u-1');
  expect(chunks.flat().map(({ data }) => data.n)).toEqual([2]);
});
