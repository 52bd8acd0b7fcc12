import { expect, test } from 'vitest';
import { sharedPostgres } from '../support/fault-postgres.js';
import { FaultStack } from '../support/fault-stack.js';

const postgres = sharedPostgres();
const CALLS = 2_000;

test('a rolling restart of two workers fails no attempt and repeats none', async () => {
  const stack = await FaultStack.start({
    scenario: 'rolling restart of two workers',
    store: { databaseUrl: await postgres().createDatabase() },
  });
  const workers = await Promise.all([stack.startWorker(), stack.startWorker()]);
  await stack.send([CALLS]);
  for (const [index, worker] of workers.entries()) {
    await stack.untilSeen(stack.random.integer(index === 0 ? 200 : 1_000, index === 0 ? 800 : 1_400));
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
    await stack.startWorker();
  }
  stack.healed();

  const { calls } = await stack.conclude();
  expect(stack.endpoint.requests).toHaveLength(CALLS);
  for (const { attempts } of calls) expect(attempts).toMatchObject([{ response_code: 200 }]);
});
