import { expect, test } from 'vitest';
import { sharedCluster, startClusterStack } from '../support/cluster-stack.js';
import { Program } from '../support/program.js';
import { connectClient } from '../support/temporal.js';

const cluster = sharedCluster();
/** The server's services learn of new search attributes some seconds later. */
const PATIENCE = { timeout: 120_000, interval: 1_000 };

test('`postcall setup` registers the search attributes, and may be run again; batches are found by them', async () => {
  const { address } = cluster();
  for (const _time of ['first', 'again']) {
    const setup = Program.run('client/cli/main.js', ['setup'], { TEMPORAL_ADDRESS: address });
    expect(await setup.exited, setup.output).toEqual({ code: 0, signal: null });
  }
  const { workflow } = await connectClient(address);
  const { stack, api } = await startClusterStack('cluster: search attributes', cluster());
  await stack.startWorker();
  const found = async () => {
    await stack.send([7]);
    return (await workflow.count(`PostcallUser = '${api.userId}' and PostcallCalls = 7`)).count;
  };
  await expect.poll(found, PATIENCE).toBeGreaterThan(0);
  await stack.conclude();
});
