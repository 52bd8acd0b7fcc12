import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ROOT } from '../support/documents.js';

const ACTIONLINT = 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.12';

/** From 1.21 on Go gets the version of itself that a program needs. */
function isGoInstalled(): boolean {
  const [, minor = '0'] = /go1\.(\d+)/.exec(spawnSync('go', ['version'], { encoding: 'utf8' }).stdout ?? '') ?? [];
  return Number(minor) >= 21;
}

test.skipIf(!isGoInstalled())('the workflows of .github are ones that GitHub runs', async () => {
  const { stdout } = await promisify(execFile)('go', ['run', ACTIONLINT, '-shellcheck='], { cwd: ROOT });
  expect(stdout).toBe('');
});
