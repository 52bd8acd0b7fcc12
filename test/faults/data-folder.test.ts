import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import { freePort } from '../../contract/free-port.js';
import { DEFAULT_TASK_QUEUE } from '../../contract/index.js';
import { FAULT_ENVIRONMENT, FaultStack } from '../support/fault-stack.js';
import { mixedBatches } from '../support/fault-workload.js';
import { makeReadOnly } from '../support/read-only-folder.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { WorkerProcess } from '../support/worker-process.js';

/** `npm start`: Temporal, the database and the worker on one folder. */
const EMBEDDED_STACK = fileURLToPath(new URL('../../dist/dev/start.js', import.meta.url));

test('an embedded stack whose folder turns read-only goes on when it is writable again, and sends nothing twice', async () => {
  const dataDir = join(await temporaryFolder(), 'data');
  const port = await freePort();
  const embedded = await WorkerProcess.start(
    {
      ...FAULT_ENVIRONMENT,
      TEMPORAL_CLI_PATH: inject('temporalCli'),
      TEMPORAL_PORT: `${port}`,
      TEMPORAL_UI_PORT: `${await freePort()}`,
      PORT: `${await freePort()}`,
      POSTCALL_DATA_DIR: dataDir,
    },
    { entry: EMBEDDED_STACK, prints: '\nready\n' },
  );
  const stack = await FaultStack.start({
    scenario: 'embedded stack’s folder read-only for 10 s',
    store: { dataDir },
    temporalAddress: `127.0.0.1:${port}`,
    taskQueue: DEFAULT_TASK_QUEUE,
  });
  stack.watch(embedded);
  await stack.send(mixedBatches(stack.random));
  await stack.untilMidway();
  const makeWritable = await makeReadOnly(dataDir);
  await delay(10_000);
  await makeWritable();
  stack.healed();

  const { duplicates } = await stack.conclude();
  expect(duplicates).toBe(0);
});
