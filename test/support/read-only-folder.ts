import { execFile } from 'node:child_process';
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const run = promisify(execFile);

/**
 * Makes a folder and all files in it read-only, as a disk becomes after an error: also for files that are open already, and for
 * root. A remount would be refused while files are open for writing; the immutable flag of ext4 is not. Returns what undoes it.
 */
export async function makeReadOnly(folder: string): Promise<() => Promise<void>> {
  const file = join(folder, 'probe');
  const probe = await open(file, 'w');
  const undo = async () => {
    await setFlag('-i', folder);
    await writeFile(file, '.');
  };
  onTestFinished(undo);
  try {
    await setFlag('+i', folder);
    if (await isWritable(probe)) throw new Error(WRONG_MACHINE);
  } finally {
    await probe.close();
  }
  return undo;
}

const WRONG_MACHINE =
  'this machine cannot make a folder read-only while its files are open: that takes root with CAP_LINUX_IMMUTABLE, chattr ' +
  '(e2fsprogs), and temporary files on ext4; TMPDIR may name a folder there';

/** chattr fails for what has no flags, such as sockets, after it has set all others: whether it has worked is seen by writing. */
async function setFlag(flag: '+i' | '-i', folder: string): Promise<void> {
  try {
    await run('chattr', ['-R', '-f', flag, folder]);
  } catch (error) {
    if (typeof (error as { code?: unknown }).code !== 'number') throw new Error(WRONG_MACHINE, { cause: error });
  }
}

async function isWritable(file: FileHandle): Promise<boolean> {
  try {
    await file.write('.');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return false;
    throw error;
  }
}
