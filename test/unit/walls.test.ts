import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const REFUSED: [file: string, line: string][] = [
  ['contract/a.ts', "import { Store } from '../store/index.js';"],
  ['workflows/a.ts', "import { Store } from '../store/index.js';"],
  ['workflows/b.ts', "import { createActivities } from '../activities/index.js';"],
  ['workflows/c.ts', "import { problemsOf } from '../contract/index.js';"],
  ['workflows/d.ts', "import { BATCH_STATUSES } from '../contract/batch.js';"],
  ['workflows/e.ts', "import { readFileSync } from 'node:fs';"],
  ['workflows/f.ts', "import { z } from 'zod';"],
  ['activities/a.ts', "import { PostcallClient } from '../client/index.js';"],
  ['config/a.ts', "import { DEFAULT_LIMIT } from '../activities/origin-limit.js';"],
  ['activities/call-sources/a.ts', "import { loadConfig } from '../../config/config.js';"],
  ['store/a.ts', "import { createSender } from '../activities/send.js';"],
  ['worker/a.ts', "import { createApi } from '../api/server.js';"],
  ['client/a.ts', "import type { Store } from '../store/store.js';"],
  ['client/c.ts', "import { loadConfig } from '../config/index.js';"],
  ['client/b.ts', "const worker = await import('../worker/index.js');"],
  ['client/cli/a.ts', "import { sqlStore } from '../../store/sql-store.js';"],
  ['client/cli/b.ts', "import { createActivities } from '../../activities/index.js';"],
  ['api/a.ts', "import { startWorker } from '../worker/worker.js';"],
  ['api/routes/a.ts', "import { deliverBatch } from '../../workflows/index.js';"],
  ['telemetry/a.ts', "import { startWorker } from '../worker/worker.js';"],
  ['store/b.ts', "import { ProcessMetrics } from '../telemetry/index.js';"],
  ['dev/a.ts', "import { startSystem } from '../bench/system.js';"],
  ['bench/a.ts', "import { Receiver } from '../test/support/receiver.js';"],
];

const ALLOWED: [file: string, line: string][] = [
  ['contract/z.ts', "import { z } from 'zod';"],
  ['workflows/z.ts', "import type { Activities } from '../activities/index.js';"],
  ['workflows/y.ts', "import type { BatchInput } from '../contract/batch.js';"],
  ['workflows/x.ts', "import { PAGE_SIZE } from '../contract/limits.js';"],
  ['activities/z.ts', "import type { Store } from '../store/store.js';"],
  ['client/cli/y.ts', "import { checkCall } from '../../contract/call-record.js';"],
  ['client/cli/z.ts', "const { openStore } = await import('../../store/index.js');"],
  ['config/z.ts', "import { DEFAULT_TASK_QUEUE } from '../contract/index.js';"],
  ['client/cli/x.ts', "import { loadConfig } from '../../config/config.js';"],
  ['api/z.ts', "import { loadConfig } from '../config/index.js';"],
  ['telemetry/z.ts', "import type { DeliveryEvents } from '../activities/delivery-events.js';"],
  ['worker/y.ts', "import { ProcessMetrics } from '../telemetry/index.js';"],
  ['bench/z.ts', "import { startPostgres } from '../test/support/postgres.js';"],
  ['worker/z.ts', "import { createSender } from '../activities/send.js';"],
];

/** The files in which the linter finds an import through a wall. */
async function filesRefused(files: [file: string, line: string][]): Promise<string[]> {
  const folder = await temporaryFolder();
  await copyFile(join(ROOT, 'biome.json'), join(folder, 'biome.json'));
  await copyFile(join(ROOT, '.gitignore'), join(folder, '.gitignore'));
  for (const [file, line] of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), `${line}\n`);
  }
  const { stdout } = spawnSync(
    join(ROOT, 'node_modules/.bin/biome'),
    ['lint', '--only=style/noRestrictedImports', '--reporter=github', '--max-diagnostics=100'],
    { cwd: folder, encoding: 'utf8' },
  );
  return [...stdout.matchAll(/file=([^,]+),/g)].map(([, file = '']) => relative(folder, file)).sort();
}

describe('the linter', { timeout: 60_000 }, () => {
  test('refuses imports through the walls between rooms, and no others', async () => {
    expect(await filesRefused([...REFUSED, ...ALLOWED])).toEqual(REFUSED.map(([file]) => file).sort());
  });
});
