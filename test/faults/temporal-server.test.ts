import { expect, test } from 'vitest';
import { sharedPostgres } from '../support/fault-postgres.js';
import { FaultStack } from '../support/fault-stack.js';
import { mixedBatches } from '../support/fault-workload.js';
import { startOwnTemporalServer } from '../support/temporal.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const postgres = sharedPostgres();

test('a Temporal server that is killed and started again makes no worker send twice', async () => {
  const dataDir = await temporaryFolder();
  const server = await startOwnTemporalServer({ dataDir });
  const stack = await FaultStack.start({
    scenario: 'SIGKILL of the Temporal server',
    store: { databaseUrl: await postgres().createDatabase() },
    temporalAddress: server.address,
  });
  await stack.startWorker();
  await stack.send(mixedBatches(stack.random));
  await stack.untilMidway();
  await server.kill();
  await startOwnTemporalServer({ dataDir, port: Number(server.address.split(':').at(-1)) });
  stack.healed();

  // The worker lives: it knows what it has sent, whatever the server has forgotten.
  const { calls, duplicates } = await stack.conclude();
  expect(duplicates).toBe(0);
  for (const { attempts } of calls) expect(attempts).toMatchObject([{ response_code: 200 }]);
});
