import { expect, test } from 'vitest';
import { pruneScheduleId } from '../../client/prune-schedule.js';
import { sharedCluster, startClusterStack } from '../support/cluster-stack.js';
import { Program } from '../support/program.js';
import { connectClient } from '../support/temporal.js';

const cluster = sharedCluster();
/** The server's services learn of new search attributes some seconds later. */
const PATIENCE = { timeout: 120_000, interval: 1_000 };

/** Runs `postcall setup` twice: it may be run again. */
async function setUp(environment: Record<string, string> = {}): Promise<string[]> {
  const outputs: string[] = [];
  for (const _time of ['first', 'again']) {
    const setup = Program.run('client/cli/main.js', ['setup'], {
      TEMPORAL_ADDRESS: cluster().address,
      ...environment,
    });
    expect(await setup.exited, setup.output).toEqual({ code: 0, signal: null });
    outputs.push(setup.output);
  }
  return outputs;
}

test('`postcall setup` registers the search attributes, and batches are found by them', async () => {
  const [first, again] = await setUp();
  expect(first).toContain('search attributes: registered PostcallUser');
  expect(again).toContain('search attributes: registered already');

  const { workflow } = await connectClient(cluster().address);
  const { stack, api } = await startClusterStack('cluster: search attributes', cluster());
  await stack.startWorker();
  const found = async () => {
    await stack.send([7]);
    return (await workflow.count(`PostcallUser = '${api.userId}' and PostcallCalls = 7`)).count;
  };
  await expect.poll(found, PATIENCE).toBeGreaterThan(0);
  await stack.conclude();
});

test('the Schedule that `postcall setup` makes removes what finished batches have left, and nothing is sent for it', async () => {
  const { stack, taskQueue } = await startClusterStack('cluster: the Schedule', cluster());
  await stack.startWorker();
  await stack.send([600, 1, 1, 1]);
  await expect.poll(() => stack.database.statuses(), PATIENCE).toEqual({ delivered: 603 });

  const retention = { TEMPORAL_TASK_QUEUE: taskQueue, POSTCALL_RETENTION: '1s' };
  const [first, again] = await setUp(retention);
  expect(first).toContain(`the Schedule ${pruneScheduleId(taskQueue)} was created`);
  expect(again).toContain('is there already');
  const { schedule } = await connectClient(cluster().address);
  const handle = schedule.getHandle(pruneScheduleId(taskQueue));
  const left = async () => {
    // A run that comes before a batch has been old for long enough leaves it.
    await handle.trigger();
    return stack.database.statuses();
  };
  await expect.poll(left, PATIENCE).toEqual({});
  expect(stack.endpoint.requests).toHaveLength(603);
});
