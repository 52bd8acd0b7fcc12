import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runGuarded, spawnGuarded } from '../../../dev/guarded-process.js';

/** Whether a process runs; one that has ended and waits for its parent to notice (a zombie) does not. */
const isAlive = (pid: number): boolean =>
  /^[^Z]/.test(spawnSync('ps', ['-o', 'stat=', '-p', String(pid)]).stdout.toString());

/** Starts `sleep` with a `sleep` below it; resolves with their PIDs, printed by the shell between them. */
async function startFamily(
  script = 'sleep 300 & echo $$ $!; wait',
): Promise<{ pids: number[]; family: ReturnType<typeof spawnGuarded> }> {
  let printed = '';
  const family = spawnGuarded('sh', ['-c', script], { onOutput: (text) => (printed += text) });
  onTestFinished(async () => void (await family.stop(0)));
  await expect.poll(() => printed).toMatch(/^\d+ \d+\n/);
  return { family, pids: printed.trim().split(' ').map(Number) };
}

describe('a guarded process', () => {
  test('is the command itself: its PID, its exit code and its output', async () => {
    const { code, output } = await runGuarded('sh', ['-c', 'echo out; echo err >&2; exit 3']);
    expect(code).toBe(3);
    expect(output.split('\n').sort()).toEqual(['', 'err', 'out']);

    const { family, pids } = await startFamily();
    expect(pids[0]).toBe(family.pid);
  });

  test('reports a command that does not exist as the shell does', async () => {
    const { code, output } = await runGuarded('/nonexistent/command', []);
    expect(code).toBe(127);
    expect(output).toContain('/nonexistent/command');
  });

  test('stops with its descendants', async () => {
    const { family, pids } = await startFamily();
    await family.stop();
    await expect.poll(() => pids.filter(isAlive), { timeout: 15_000 }).toEqual([]);
  });

  test('is killed when it ignores SIGTERM', async () => {
    const { family, pids } = await startFamily("trap '' TERM; sleep 300 & echo $$ $!; wait");
    expect(await family.stop(50)).toEqual({ code: null, signal: 'SIGKILL' });
    await expect.poll(() => pids.filter(isAlive), { timeout: 15_000 }).toEqual([]);
  });

  test('is ended by an aborted signal', async () => {
    const abort = new AbortController();
    const run = runGuarded('sleep', ['300'], { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
  });

  test('is killed at its time limit', async () => {
    expect(await runGuarded('sleep', ['300'], { timeoutMs: 50 })).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  test('ends when the process that started it is killed', async () => {
    // The module under test, loaded by a second process that can be killed.
    const module = fileURLToPath(new URL('../../../dist/dev/guarded-process.js', import.meta.url));
    const script = `
      import { spawnGuarded } from ${JSON.stringify(module)};
      spawnGuarded('sh', ['-c', 'sleep 300 & echo $$ $!; wait'], { onOutput: (text) => process.stdout.write(text) });`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pids = line.toString().trim().split(' ').map(Number);
    expect(pids.filter(isAlive)).toHaveLength(2);

    parent.kill('SIGKILL');
    await expect.poll(() => pids.filter(isAlive), { timeout: 15_000 }).toEqual([]);
  });
});
