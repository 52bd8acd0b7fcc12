import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { readResults, resultsTable } from '../support/fault-results.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What all randomness of the fault suite hangs on. */
    faultSeed: number;
    /** File to which scenarios add their results. */
    faultResults: string;
  }
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What `npm run build` compiles. */
const SOURCES = [
  'contract',
  'config',
  'workflows',
  'activities',
  'store',
  'telemetry',
  'worker',
  'client',
  'api',
  'dev',
];
/** What `npm run build` writes last. */
const BUILT = join(ROOT, 'dist/workflow-bundle.js');

/** The workers under test run what was built; the results of all scenarios are printed at the end. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await buildWhereStale();
  const folder = await mkdtemp(join(tmpdir(), 'postcall-faults-'));
  const results = join(folder, 'results.jsonl');
  const seed = seedOf(process.env.FAULT_SEED);
  console.log(`Faults are drawn from FAULT_SEED=${seed}.`);
  project.provide('faultSeed', seed);
  project.provide('faultResults', results);

  return async () => {
    const table = resultsTable(await readResults(results));
    console.log(`\n${table}\n\nFAULT_SEED=${seed} repeats them.\n`);
    if (process.env.FAULTS_REPORT) await writeReport(table);
    await rm(folder, { recursive: true, force: true });
  };
}

function seedOf(given: string | undefined): number {
  if (!given) return randomInt(1_000_000);
  if (/^\d{1,15}$/.test(given)) return Number(given);
  throw new Error(`FAULT_SEED must be a whole number, not ${JSON.stringify(given)}`);
}

/** `npm test` has built everything already; this suite alone builds where it must. */
async function buildWhereStale(): Promise<void> {
  const builtAt = existsSync(BUILT) ? (await stat(BUILT)).mtimeMs : 0;
  if ((await newestSource()) <= builtAt) return;
  console.log('Building, because a source file is newer than dist/.');
  await promisify(execFile)('npm', ['run', 'build', '--silent'], { cwd: ROOT });
}

async function newestSource(): Promise<number> {
  const folders = SOURCES.map(async (folder) => {
    const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
    return Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).mtimeMs));
  });
  return Math.max(...(await Promise.all(folders)).flat());
}

async function writeReport(table: string): Promise<void> {
  const lines = [
    '# What faults do',
    '',
    'Each scenario sends at least 500 calls, in batches of 1 and of 100 and more, to a real receiver through real workers in',
    'processes of their own, while one thing breaks. Then the receiver’s own log is compared with the store, call by call:',
    'every request must be one recorded attempt and every attempt one request, apart from those that were cut off or never',
    'reached the receiver, with the same `webhook-id` and the stored bytes each time.',
    '',
    '| column     | meaning                                                                         |',
    '| ---------- | ------------------------------------------------------------------------------- |',
    '| Lost       | calls that are not delivered: always 0                                          |',
    '| Duplicates | requests for a call whose webhook the receiver had taken: only after a cut-off  |',
    '| Cut off    | calls whose attempt was cut off with its worker; `-` where no worker is cut off |',
    '| Recovery   | from the end of the fault (from the start where it lasts) to the last delivery  |',
    '',
    'Recovery from the loss of a worker is mostly waiting to be sure: Temporal takes it for dead after 10 s without a sign of',
    'life, and an attempt that it left open counts as interrupted 2 s after its timeout (3 s in most scenarios, 15 s by',
    'default). Temporal’s own retries and the webhooks’ schedules (1 s, 2 s, 5 s here) account for most of the rest.',
    '',
    table,
    '',
    'Made by `FAULTS_REPORT=1 npx vitest run --project faults`, on two cores. Times depend on the machine; what the other',
    'columns may show is what the tests demand.',
    '',
  ];
  await mkdir(join(ROOT, 'docs'), { recursive: true });
  await writeFile(join(ROOT, 'docs/faults.md'), lines.join('\n'));
}
