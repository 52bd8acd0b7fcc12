import { expect, test } from 'vitest';
import { sharedPostgres } from '../support/fault-postgres.js';
import { FaultStack } from '../support/fault-stack.js';

const postgres = sharedPostgres();
const CALLS = 1_000;
const LIMIT = 20;

test('a thousand batches that failed in an outage are delivered on the endpoint’s return, within its limit', {
  timeout: 420_000,
}, async () => {
  const stack = await FaultStack.start({
    scenario: '1,000 batches of one call wait for 1 h, the receiver returns',
    store: { databaseUrl: await postgres().createDatabase() },
    environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_MAX_IN_FLIGHT: `${LIMIT}` },
  });
  await stack.endpoint.refuse();
  await stack.startWorker();
  await stack.send(new Array<number>(CALLS).fill(1));
  await expect.poll(() => stack.database.statuses(), { timeout: 240_000 }).toEqual({ retrying: CALLS });
  await stack.endpoint.accept();
  stack.healed();

  const { duplicates } = await stack.conclude();
  expect(duplicates).toBe(0);
  expect(stack.endpoint.receiver.maxInFlight).toBeLessThanOrEqual(LIMIT);
  expect(stack.endpoint.receiver.maxInFlight).toBeGreaterThan(1);
});
