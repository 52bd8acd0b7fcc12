import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import { freePort } from '../../contract/free-port.js';
import { DEFAULT_TASK_QUEUE } from '../../contract/index.js';
import { FAULT_ENVIRONMENT, FaultStack } from '../support/fault-stack.js';
import { processesWith } from '../support/program.js';
import { interruptDatabase } from '../support/temporal-interrupter.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { WorkerProcess } from '../support/worker-process.js';

/** `npm start`. */
const EMBEDDED_STACK = fileURLToPath(new URL('../../dist/dev/start.js', import.meta.url));
const CALLS = 3_000;
const MAX_WAL_BYTES = 32 * 1_024 * 1_024;

/** The embedded Temporal server's process, not the watchdog beside it. */
function serverOn(port: number): number {
  const server = processesWith(`--port ${port}`).find(({ command }) => !command.startsWith('sh '));
  if (!server) throw new Error(`No server runs on port ${port}`);
  return server.pid;
}

test('an embedded Temporal server that is frozen, and whose database is interrupted, is started again, and a burst of creates is delivered', {
  timeout: 420_000,
}, async () => {
  const dataDir = join(await temporaryFolder(), 'data');
  const temporalPort = await freePort();
  const apiPort = await freePort();
  const embedded = await WorkerProcess.start(
    {
      ...FAULT_ENVIRONMENT,
      TEMPORAL_CLI_PATH: inject('temporalCli'),
      TEMPORAL_PORT: `${temporalPort}`,
      TEMPORAL_UI_PORT: `${await freePort()}`,
      PORT: `${apiPort}`,
      POSTCALL_RATE_LIMIT: '1000000',
      POSTCALL_DATA_DIR: dataDir,
    },
    { entry: EMBEDDED_STACK, prints: '\nready\n' },
  );
  const temporalAddress = `127.0.0.1:${temporalPort}`;
  const stack = await FaultStack.start({
    scenario: '3,000 creates, embedded Temporal server frozen and interrupted',
    store: { dataDir },
    temporalAddress,
    taskQueue: DEFAULT_TASK_QUEUE,
  });
  stack.watch(embedded);
  const restarts = () => embedded.output.match(/has not answered for \d+ s: it is started again/g) ?? [];
  const works = () => embedded.output.match(/The Temporal server works again/g) ?? [];

  const { told } = await stack.createOneByOne(CALLS, apiPort, { hangUps: 0.3 });
  await stack.untilSeen(300);
  await interruptDatabase(temporalAddress);
  await expect.poll(works, { timeout: 60_000 }).toHaveLength(1);
  await stack.untilSeen(1_200);
  process.kill(serverOn(temporalPort), 'SIGSTOP');
  await expect.poll(works, { timeout: 60_000 }).toHaveLength(2);
  stack.healed();

  const { accepted, refused, unanswered } = await told;
  expect(accepted).toHaveLength(CALLS);
  expect(unanswered).toBeGreaterThan(0);
  const wal = await stat(join(dataDir, 'temporal.db-wal'));
  const { lost, duplicates } = await stack.conclude();
  expect({ lost, duplicates }).toEqual({ lost: [], duplicates: 0 });
  expect(restarts()).toHaveLength(2);
  expect(wal.size).toBeLessThan(MAX_WAL_BYTES);
  console.log({ refused, unanswered, wal: wal.size });
});
