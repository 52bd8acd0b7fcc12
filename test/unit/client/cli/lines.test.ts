import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { linesOf } from '../../../../client/cli/lines.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

const noInput = Readable.from([]);

test('a file is read line by line, with either line end and without one at the end', async () => {
  const file = join(await temporaryFolder(), 'calls.txt');
  await writeFile(file, 'a\r\nb\n\nç');
  expect(await collect(linesOf(file, noInput))).toEqual(['a', 'b', '', 'ç']);
});

test('- is stdin', async () => {
  expect(await collect(linesOf('-', Readable.from(['a\nb', 'c\n'])))).toEqual(['a', 'bc']);
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
    expect(line).toBe('a');
    break;
  }
});
