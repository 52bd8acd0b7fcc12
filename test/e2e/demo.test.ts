import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { sampleCalls } from '../../dev/sample-calls/index.js';
import { Program, processesWith } from '../support/program.js';
import { temporaryFolder } from '../support/temporary-folder.js';

async function demo(settings: Record<string, string> = {}) {
  const folder = await temporaryFolder();
  const program = Program.run('dev/demo.js', [], {
    TEMPORAL_CLI_PATH: inject('temporalCli'),
    POSTCALL_DATA_DIR: folder,
    ...settings,
  });
  return { folder: join(folder, 'demo'), program };
}

describe('npm run demo', () => {
  test('delivers 25 calls through an outage of the receiver, and shows their attempts', async () => {
    const { program } = await demo();
    expect((await program.exited).code, program.output).toBe(0);

    const calls = sampleCalls().map(({ call_id }) => call_id.slice(0, 8));
    const rows = program.output.split('\n').filter((line) => calls.some((id) => line.includes(` ${id} `)));
    expect(rows).toHaveLength(25);
    for (const row of rows) expect(row).toMatch(/ delivered .* 200 \d+\.\d /);
    expect(rows.filter((row) => row.includes('refused')).length).toBeGreaterThan(0);
    expect(program.output).toContain('25/25 delivered');
    expect(program.output).toMatch(/http:\/\/127\.0\.0\.1:\d+\/namespaces\/default\/workflows\/postcall-/);
  });

  test('can be interrupted, fails then, and leaves no process behind', async () => {
    const { folder, program } = await demo();
    await program.printed('not tried yet');
    program.signal('SIGINT');
    expect((await program.exited).code).not.toBe(0);
    await expect.poll(() => processesWith(folder), { timeout: 15_000 }).toEqual([]);
  });

  test('fails with a remedy when there is no Temporal server to be had', async () => {
    const { program } = await demo({ TEMPORAL_CLI_PATH: '/bin/false' });
    expect((await program.exited).code).toBe(1);
    expect(program.output).toContain('TEMPORAL_CLI_PATH does not work');
  });
});
