import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { INTERRUPTED } from '../../contract/index.js';
import type { RecordedCall } from '../support/fault-audit.js';
import { FaultStack } from '../support/fault-stack.js';
import { mixedBatches } from '../support/fault-workload.js';
import { startPostgres } from '../support/postgres.js';

/** A stack in the middle of its work, on a PostgreSQL of its own. */
async function working(scenario: string) {
  const server = await startPostgres();
  onTestFinished(() => server.remove());
  const stack = await FaultStack.start({ scenario, store: { databaseUrl: await server.createDatabase() } });
  await stack.startWorker();
  await stack.send(mixedBatches(stack.random));
  await stack.untilMidway();
  return { server, stack };
}

/** An attempt whose opening was committed, but not confirmed, was never sent: it is `interrupted`, and no step of the schedule. */
function expectNoStepUsedUp(calls: RecordedCall[]): void {
  for (const { attempts } of calls) {
    expect(attempts.filter(({ error }) => error !== INTERRUPTED)).toMatchObject([{ response_code: 200 }]);
  }
}

describe('PostgreSQL', () => {
  test('that restarts uses up no attempt, and nothing is sent twice', async () => {
    const { server, stack } = await working('restart of PostgreSQL');
    await server.restart();
    stack.healed();
    const { calls, duplicates } = await stack.conclude();
    expect(duplicates).toBe(0);
    expectNoStepUsedUp(calls);
  });

  test('that is away for ten seconds uses up no attempt, and nothing is sent twice', async () => {
    const { server, stack } = await working('absence of PostgreSQL for 10 s');
    await server.stop();
    await delay(10_000);
    await server.start();
    stack.healed();
    const { calls, duplicates } = await stack.conclude();
    expect(duplicates).toBe(0);
    expectNoStepUsedUp(calls);
  });
});
