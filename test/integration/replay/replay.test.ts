import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import proto from '@temporalio/proto';
import { describe, expect, inject, test } from 'vitest';
import { SEARCH_ATTRIBUTE_TYPES } from '../../../contract/index.js';
import { replay, replayTraced } from '../../support/histories.js';
import { quietRuntime } from '../../support/temporal.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { HISTORIES } from './histories.js';
import { SCENARIOS } from './scenarios.js';

const { History } = proto.temporal.api.history.v1;

const readHistory = async (file: string) =>
  History.decode(await promisify(gunzip)(await readFile(new URL(file, HISTORIES))));

/** What runs in production was started by the code of these histories: a change that cannot replay them would strand it. */
describe('the workflow code replays the history', async () => {
  quietRuntime();
  const files = await readdir(HISTORIES);

  test.each(files)('%s', async (file) => {
    const history = await readHistory(file);
    expect(history.events?.length).toBeGreaterThan(5);
    await replay(history, file);
  });

  test('carried-over-run-2, which has the search attributes that a run hands to the next', async () => {
    const { events } = await readHistory('carried-over-run-2.pb.gz');
    const { searchAttributes } = events?.[0]?.workflowExecutionStartedEventAttributes ?? {};
    expect(Object.keys(searchAttributes?.indexedFields ?? {}).sort()).toEqual(
      Object.keys(SEARCH_ATTRIBUTE_TYPES).sort(),
    );
  });

  test('whose commands all say what they are for', async () => {
    const histories = await Promise.all(files.map(readHistory));
    const commands = histories
      .flatMap(({ events }) => events ?? [])
      .filter(
        (event) =>
          event.activityTaskScheduledEventAttributes ??
          event.timerStartedEventAttributes ??
          event.markerRecordedEventAttributes,
      );
    expect(commands.length).toBeGreaterThan(files.length);
    expect(commands.filter(({ userMetadata }) => !userMetadata?.summary)).toEqual([]);
  });

  test('of every scenario', () => {
    const names = new Set(files.map((file) => file.replace(/(-run-\d+)?\.pb\.gz$/, '')));
    expect([...names].sort()).toEqual(SCENARIOS.map(({ name }) => name).sort());
  });
});

describe('the workflow code that makes spans replays', async () => {
  quietRuntime();
  test.each(await readdir(HISTORIES))('%s, which was recorded without', async (file) => {
    await replayTraced(await readHistory(file), file);
  });
});

describe('the workflow code with another decision', () => {
  test.each([
    ['another number of cautious attempts', 'endpoint-down.pb.gz', /CAUTIOUS_LIMIT = 10/, 'CAUTIOUS_LIMIT = 3'],
    ['no checkpoints', 'several-statements.pb.gz', /MAX_TASK_MARKERS = 500/, 'MAX_TASK_MARKERS = 5_000'],
    ['no search attributes', 'retried.pb.gz', /changed\.length > 0/, 'changed.length > 9'],
    ['endings after attempts', 'endpoint-gone.pb.gz', /ended\.length > 0/, 'ended.length > 1e9'],
    ['answers that are of other calls', 'one-call.pb.gz', /callId\.slice\(-6\)/, 'callId.slice(-2)'],
    ['no timer for letters', 'asked-all-the-time.pb.gz', /hasLetters = await/, 'hasLetters = !inbox.isEmpty || await'],
    ['a larger share of a round', 'several-statements.pb.gz', /SHARE_OF_ROUND = 0\.5/, 'SHARE_OF_ROUND = 0.6'],
  ])('does not replay: %s', async (_, file, decision, other) => {
    quietRuntime();
    const code = await readFile(inject('replayBundlePath'), 'utf8');
    expect(code).toMatch(decision);
    const path = join(await temporaryFolder(), 'bundle.cjs');
    await writeFile(path, code.replace(decision, other));
    await expect(replay(await readHistory(file), file, path)).rejects.toThrow(
      /[Nn]ondeterminism|TMPRL1100|not the same decisions/,
    );
  });
});
