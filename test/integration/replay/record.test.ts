import { mkdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import proto from '@temporalio/proto';
import { describe, expect, test } from 'vitest';
import { historiesOf } from '../../support/histories.js';
import { startScripted } from '../../support/scripted.js';
import { HISTORIES } from './histories.js';
import { SCENARIOS } from './scenarios.js';

const { History } = proto.temporal.api.history.v1;

/** Records the histories that replay.test.ts replays: only when asked to, since a recording replaces what must keep replaying. */
describe.runIf(process.env.RECORD_HISTORIES)('recording', { timeout: 120_000 }, () => {
  test.each(SCENARIOS)('$name', async ({ name, script, batches, meanwhile, expected, runs = 1 }) => {
    const run = await startScripted(await script(), ...batches);
    await meanwhile?.(run);
    const result = await run.handle.result();
    const totals = result.batches.reduce<Record<string, number>>((sums, { delivered, failed, rejected, canceled }) => {
      for (const [status, count] of Object.entries({ delivered, failed, rejected, canceled })) {
        if (count > 0) sums[status] = (sums[status] ?? 0) + count;
      }
      return sums;
    }, {});
    expect(totals).toEqual(expected);
    const histories = await historiesOf(run.client, run.handle.workflowId);
    expect(histories.length).toBeGreaterThanOrEqual(runs);
    await mkdir(HISTORIES, { recursive: true });
    for (const [index, history] of histories.entries()) {
      const file = `${name}${index === 0 ? '' : `-run-${index + 1}`}.pb.gz`;
      await writeFile(new URL(file, HISTORIES), await promisify(gzip)(History.encode(history).finish()));
    }
  });
});
