import { expect, test } from 'vitest';
import { answer } from '../support/behaviours.js';
import type { Break } from '../support/fault-audit.js';
import { sharedPostgres } from '../support/fault-postgres.js';
import { FaultStack } from '../support/fault-stack.js';

const postgres = sharedPostgres();
/** Registration takes a moment, a checkpoint comes every 500 calls, and every slow attempt is watched. */
const CALLS = 3_000;
const KILLS = 6;
const RUNS = 2;
/** More than two runs: one ends after some 4,000 history events, about one for each attempt, and the 600 of its last workflow task. */
const LONG_BATCH = RUNS * 4_600 + 500;

/** Kills one worker after the other, each at its moment, and lets the last one finish: no call is lost. */
async function killWorkers(stack: FaultStack, times: number, moment: (kills: number) => Promise<unknown>) {
  const breaks: Break[] = [];
  let worker = await stack.startWorker();
  for (let kills = 1; kills <= times; kills += 1) {
    await moment(kills);
    const dying = worker;
    breaks.push(await stack.break(() => dying.kill()));
    worker = await stack.startWorker();
  }
  stack.healed();
  const { calls, lost } = await stack.conclude({ breaks });
  expect(lost).toEqual([]);
  return calls;
}

test('a worker that is killed wherever its batch stands, in registration, in a watch or at a checkpoint, loses nothing', {
  timeout: 300_000,
}, async () => {
  const stack = await FaultStack.start({
    scenario: 'SIGKILL of the worker, six times in one batch',
    store: { databaseUrl: await postgres().createDatabase() },
  });
  const random = stack.random.for('latency');
  stack.endpoint.behaviour = (request, response) => {
    setTimeout(() => !response.destroyed && answer(200)(request, response), random.integer(5, 900));
  };
  await stack.send([CALLS, 1, 1, 1], { max_in_flight: 200 });
  // The first one as soon as anything is sent, the others at a random place of the batch.
  const calls = await killWorkers(stack, KILLS, (kills) =>
    stack.untilSeen(kills === 1 ? 1 : stack.endpoint.requests.length + random.integer(50, 400)),
  );
  expect(calls).toHaveLength(CALLS + 3);
});

test('a worker that is killed as its batch goes on as a new run loses nothing, and nothing that was recorded is repeated', {
  timeout: 300_000,
}, async () => {
  const stack = await FaultStack.start({
    scenario: 'SIGKILL of the worker, at each continue-as-new of a batch',
    store: { databaseUrl: await postgres().createDatabase() },
  });
  stack.endpoint.behaviour = answer(200);
  await stack.send([LONG_BATCH]);
  let runId: string | undefined;
  const calls = await killWorkers(stack, RUNS, async () => {
    runId = await stack.untilNextRun(runId);
  });
  expect(calls).toHaveLength(LONG_BATCH);
});

test('what a dead worker had recorded of Retry-After holds for its successor', { timeout: 120_000 }, async () => {
  const stack = await FaultStack.start({
    scenario: 'SIGKILL after a Retry-After',
    store: { databaseUrl: await postgres().createDatabase() },
    environment: { POSTCALL_PROBE_INTERVAL: '1s' },
  });
  stack.endpoint.behaviour = stack.endpoint.refusing(answer(503, { 'retry-after': '6' }));
  const worker = await stack.startWorker();
  await stack.send([1]);
  await stack.untilSeen(1);
  // Recorded in the store, whether or not Temporal has heard of it.
  await expect.poll(() => stack.database.statuses(), { timeout: 20_000 }).toEqual({ retrying: 1 });
  const killed = await stack.break(() => worker.kill());
  const [first] = stack.endpoint.requests;
  stack.endpoint.behaviour = answer(200);
  await stack.startWorker();
  stack.healed();
  await stack.conclude({ breaks: [killed] });
  const [, second] = stack.endpoint.requests;
  expect((second?.receivedAt ?? 0) - (first?.receivedAt ?? 0)).toBeGreaterThanOrEqual(6_000);
});
