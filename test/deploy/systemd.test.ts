import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../config/index.js';
import { mustRun } from '../support/deploy-tools.js';
import { ROOT } from '../support/documents.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const FOLDER = join(ROOT, 'deploy/systemd');
const UNITS = await readdir(FOLDER);
/** Of systemd's scale from 0 to 100: a service without any protection has 96. */
const EXPOSURE_LIMIT = 20;

const textOf = (unit: string) => readFile(join(FOLDER, unit), 'utf8');
const settingOf = (text: string, name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1];

/** The units with this machine's Node.js, since systemd looks whether the programs are there. */
async function unitsHere(): Promise<string[]> {
  const folder = join(await temporaryFolder(), 'units');
  await mkdir(folder);
  return Promise.all(
    UNITS.map(async (unit) => {
      const path = join(folder, basename(unit));
      await writeFile(path, (await textOf(unit)).replace('/usr/bin/node', process.execPath));
      return path;
    }),
  );
}

describe('the units', () => {
  test('are those of a worker and of the API', () => {
    expect(UNITS.sort()).toEqual(['postcall-api.service', 'postcall-worker.service']);
  });

  test('have nothing that systemd complains of', async () => {
    expect(await mustRun('systemd-analyze', ['verify', ...(await unitsHere())])).toBe('');
  });

  test('a setting that systemd does not know is found', async () => {
    const [unit = ''] = await unitsHere();
    await writeFile(unit, (await readFile(unit, 'utf8')).replace('RestartSec=', 'RestartSecs='));
    expect(await mustRun('systemd-analyze', ['verify', unit])).toContain('RestartSecs');
  });

  test('let a program do little else than its work', async () => {
    const options = ['security', '--no-pager', '--offline=true', `--threshold=${EXPOSURE_LIMIT}`];
    for (const unit of await unitsHere()) await mustRun('systemd-analyze', [...options, unit]);
  });

  test.each(UNITS)('%s runs a program that is built', async (unit) => {
    const [, program = ''] = settingOf(await textOf(unit), 'ExecStart')?.split(' ') ?? [];
    expect(existsSync(join(ROOT, program)), program).toBe(true);
  });

  test('give a worker the time that its attempts take', async () => {
    const seconds = Number(settingOf(await textOf('postcall-worker.service'), 'TimeoutStopSec'));
    expect(seconds * 1_000).toBeGreaterThan(loadConfig({}).attemptTimeoutMs + 10_000);
  });
});
