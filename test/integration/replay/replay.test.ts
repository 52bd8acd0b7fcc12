import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import proto from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { describe, expect, inject, test } from 'vitest';
import { quietRuntime } from '../../support/temporal.js';
import { HISTORIES } from './histories.js';

const { History } = proto.temporal.api.history.v1;

/** What runs in production was started by the code of these histories: a change that cannot replay them would strand it. */
describe('the workflow code replays', async () => {
  quietRuntime();
  const files = await readdir(HISTORIES);

  test.each(files)('%s', async (file) => {
    const encoded = await promisify(gunzip)(await readFile(new URL(file, HISTORIES)));
    const history = History.decode(encoded);
    expect(history.events?.length).toBeGreaterThan(5);
    await Worker.runReplayHistory({ workflowBundle: { codePath: inject('workflowBundlePath') } }, history, file);
  });

  test('one page, several pages and their children, and retries', () => {
    const names = files.map((file) => file.replace(/\.pb\.gz$/, '')).sort();
    expect(names).toEqual([
      'canceled',
      'endpoint-gone',
      'one-page',
      'paused-and-resumed',
      'retried',
      'several-pages',
      'several-pages-page-0',
      'several-pages-page-1',
      'slow-endpoint',
    ]);
  });
});
