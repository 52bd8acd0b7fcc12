import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, inject, test } from 'vitest';
import { type DeliveryEnd, progressQuery, retryNowSignal } from '../../../contract/index.js';
import { historiesOf } from '../../support/histories.js';
import { inParallel } from '../../support/in-parallel.js';
import { startScripted } from '../../support/scripted.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const HOUR = 3_600_000;
const SIGNALS = ['pause', 'resume', 'cancel', 'retryNow', 'wake', 'nobody-knows-it'];
const WRONG = ['null', '"text"', '[]', '[["c-0"]]', '17', '{"batch_id": 7}', '{"batch_id": ["b"]}'];
const WRONG_OF: Record<string, string[]> = {
  retryNow: ['{"call_ids": "c-0"}', '{"call_ids": [1]}', '{"call_ids": null}'],
  wake: ['{}', '{"webhooks": [null]}', '{"webhooks": [{"batch_id": "b", "call_ids": {}}]}'],
};
/** What no converter can decode. */
const UNDECODABLE = ['encoding=binary/null2', 'encoding=json/protobuf'];

/** Signals that are sent 1 MB of text: each takes its place in a history, of which the server sends 4 MB at once. */
const LONG_TO = ['pause', 'retryNow', 'nobody-knows-it'];

/** Of the command line at once: each takes most of a second. */
const STARTS = 8;

const waits = (): DeliveryEnd => ({ kind: 'retry', due_in: HOUR, endpoint_failed: false });

const cli = (...args: string[]) =>
  promisify(execFile)(inject('temporalCli'), ['workflow', ...args, '--address', inject('temporalAddress')]);

describe('played, and its history replayed: a message that no handler can use', { timeout: 120_000 }, () => {
  test('is ignored, and the batch goes on', async () => {
    let up = false;
    const { client, handle, sent } = await startScripted(
      { deliver: () => (up ? { kind: 'delivered' } : waits()) },
      { call_ids: ['c-0'] },
    );
    await expect.poll(() => sent.length).toBe(1);
    const { workflowId } = handle;
    const long = join(await temporaryFolder(), 'long.json');
    await writeFile(long, JSON.stringify('x'.repeat(1_000_000)));
    const inputs = SIGNALS.flatMap((name) => [
      ...[...WRONG, ...(WRONG_OF[name] ?? [])].map((input) => [name, '--input', input]),
      ...UNDECODABLE.map((meta) => [name, '--input', '"text"', '--input-meta', meta]),
      ...(LONG_TO.includes(name) ? [[name, '--input-file', long]] : []),
    ]);
    await inParallel(STARTS, inputs, ([name = '', ...input]) =>
      cli('signal', '-w', workflowId, '--name', name, ...input),
    );
    await expect(cli('query', '-w', workflowId, '--type', 'nobody-knows-it')).rejects.toThrow(/nobody-knows-it/);
    for (const input of [...WRONG, '{"page": "x"}'])
      await cli('query', '-w', workflowId, '--type', 'progress', '--input', input);

    expect(await handle.query(progressQuery)).toMatchObject({ status: 'running', retrying: 1 });
    expect(sent).toEqual(['c-0']);
    up = true;
    await handle.signal(retryNowSignal, { call_ids: ['c-0'] });
    expect((await handle.result()).batches).toMatchObject([{ status: 'completed', delivered: 1 }]);
    const events = (await historiesOf(client, workflowId)).flatMap((history) => history.events ?? []);
    expect(events.filter(({ workflowTaskFailedEventAttributes: failed }) => failed)).toEqual([]);
  });
});
