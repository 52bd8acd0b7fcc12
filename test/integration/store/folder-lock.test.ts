import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockFolder } from '../../../store/pglite/folder-lock.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('a folder is locked by one at a time, until it is released', async () => {
  const folder = await temporaryFolder();
  const attempts = await Promise.all([lockFolder(folder), lockFolder(folder), lockFolder(folder)]);
  const [lock, ...others] = attempts.filter((attempt) => attempt !== undefined);
  expect(others).toEqual([]);
  expect(await lockFolder(folder)).toBeUndefined();
  await lock?.release();
  const next = await lockFolder(folder);
  expect(next).toBeDefined();
  expect(await readdir(folder)).toHaveLength(1);
  await next?.release();
});

test('of many that come and go only one has the lock at any time', async () => {
  const folder = await temporaryFolder();
  let holders = 0;
  const held: number[] = [];
  await Promise.all(
    [...Array(20)].map(async () => {
      for (let n = 0; n < 30; n++) {
        const lock = await lockFolder(folder);
        if (!lock) continue;
        held.push(++holders);
        await new Promise(setImmediate);
        holders--;
        await lock.release();
      }
    }),
  );
  expect(held.length).toBeGreaterThan(20);
  expect(new Set(held)).toEqual(new Set([1]));
});

test('a killed holder leaves no obstacle, whatever its number', async () => {
  const folder = await temporaryFolder();
  await leaveDeadSocket(join(folder, '.lock.41'));
  const locks = (await Promise.all([...Array(5)].map(() => lockFolder(folder)))).filter((lock) => lock !== undefined);
  expect(locks).toHaveLength(1);
  expect(await readdir(folder)).toEqual(['.lock.42']);
  await locks[0]?.release();
});

test('a folder that cannot be written to is an error, and leaves nothing that listens', async () => {
  await expect(lockFolder(join(await temporaryFolder(), 'missing'))).rejects.toMatchObject({ syscall: 'listen' });
});

/** The socket of a process that did not live to remove it. */
async function leaveDeadSocket(path: string): Promise<void> {
  const program = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', program, path]), 'exit');
}
