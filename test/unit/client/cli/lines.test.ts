import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Line, linesOf } from '../../../../client/cli/lines.js';
import { collectGarbage } from '../../../support/heap.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

async function collect(lines: AsyncIterable<Line>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push('text' in line ? line.text : `! ${line.problem}`);
  return all;
}

const noInput = Readable.from([]);
const MEGABYTE = Buffer.alloc(1_000_000, 'x');

test('a file is read line by line, with either line end and without one at the end', async () => {
  const file = join(await temporaryFolder(), 'calls.txt');
  await writeFile(file, 'a\r\nb\n\nç');
  expect(await collect(linesOf(file, noInput))).toEqual(['a', 'b', '', 'ç']);
});

test('- is stdin', async () => {
  expect(await collect(linesOf('-', Readable.from(['a\nb', 'c\n'])))).toEqual(['a', 'bc']);
});

test('only a line feed ends a line: what else separates lines in Unicode is text', async () => {
  const text = '{"a":"\u2028 \u2029 \u0085 \u000b"}';
  expect(await collect(linesOf('-', Readable.from([Buffer.from(`${text}\n${text}\r\n\r`)])))).toEqual([text, text, '']);
});

test('a byte order mark is no part of the text', async () => {
  expect(await collect(linesOf('-', Readable.from([Buffer.from('\uFEFFa\nb')])))).toEqual(['a', 'b']);
});

test('a line that is not UTF-8 is a problem, and no other one', async () => {
  const bytes = Buffer.concat([Buffer.from('a\n"'), Buffer.from([0xc3, 0x28]), Buffer.from('"\nç')]);
  expect(await collect(linesOf('-', Readable.from([bytes])))).toEqual(['a', '! is not UTF-8', 'ç']);
});

test('bytes of a letter may come apart', async () => {
  const property = fc.asyncProperty(
    fc.string({ unit: 'grapheme' }),
    fc.integer({ min: 1, max: 5 }),
    async (text, size) => {
      const bytes = Buffer.from(text.replaceAll(/[\n\r]/g, ' '));
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      );
      const lines = await collect(linesOf('-', Readable.from([...pieces, Buffer.from('\n')])));
      expect(lines).toEqual([bytes.toString().replace(/^\uFEFF/, '')]);
    },
  );
  await fc.assert(property);
});

test('a line that is too long is a problem, and takes no memory', async () => {
  const bytes = () => {
    collectGarbage();
    return process.memoryUsage().arrayBuffers;
  };
  const before = bytes();
  let held = 0;
  function* input() {
    yield Buffer.from('a\n');
    for (let megabyte = 0; megabyte < 400; megabyte += 1) yield Buffer.from(MEGABYTE);
    held = bytes() - before;
    yield Buffer.from('\nb');
  }
  expect(await collect(linesOf('-', Readable.from(input())))).toEqual(['a', '! has more than 10485760 bytes', 'b']);
  expect(held).toBeLessThan(50_000_000);
});

test.each([
  ['missing.txt', 'ENOENT'],
  ['.', 'EISDIR'],
])('a file that cannot be read (%s) is an error', async (name, code) => {
  const file = join(await temporaryFolder(), name);
  await expect(collect(linesOf(file, noInput))).rejects.toMatchObject({ code });
});

test('a reader that stops early leaves nothing open', async () => {
  const file = join(await temporaryFolder(), 'calls.txt');
  await writeFile(file, 'a\n'.repeat(100_000));
  for await (const line of linesOf(file, noInput)) {
    expect(line).toEqual({ text: 'a' });
    break;
  }
});
