import { chmod, readFile, writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runGo } from '../../../dev/go.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** Runs a `go` that writes down its arguments, and its niceness: how much it lets others go first. */
async function runRecordingGo(options: { background?: boolean }) {
  const searchPath = await temporaryFolder();
  const go = join(searchPath, 'go');
  const record = join(searchPath, 'record');
  await writeFile(go, `#!/bin/sh\n{ echo "$#: $*"; nice; } >'${record}'\n`);
  await chmod(go, 0o755);
  await runGo(['build', 'a b'], { ...options, searchPath });
  return (await readFile(record, 'utf8')).split('\n').slice(0, 2);
}

describe('runGo', () => {
  test('hands its arguments on as they are', async () => {
    expect(await runRecordingGo({})).toEqual(['2: build a b', `${getPriority()}`]);
  });

  test('in the background lets everything else go first', async () => {
    expect(await runRecordingGo({ background: true })).toEqual(['2: build a b', '19']);
  });
});
