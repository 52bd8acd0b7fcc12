import { expect, test } from 'vitest';
import { answer, delayed } from '../support/behaviours.js';
import { FaultEndpoint, take } from '../support/fault-endpoint.js';
import { sharedPostgres } from '../support/fault-postgres.js';
import { FaultStack } from '../support/fault-stack.js';

const postgres = sharedPostgres();
/** Below the attempts' timeout of 15 s. */
const SLOW_MS = 14_000;

test('a healthy endpoint is served before any of 1,000 calls is answered that hang elsewhere', async () => {
  const stack = await FaultStack.start({
    scenario: 'another endpoint answers after 14 s',
    store: { databaseUrl: await postgres().createDatabase() },
    environment: { POSTCALL_ATTEMPT_TIMEOUT: '15s' },
  });
  const slow = await FaultEndpoint.start();
  slow.behaviour = delayed(SLOW_MS, answer(200));
  await stack.startWorker();
  await stack.send([400, 300, 200, ...new Array<number>(100).fill(1)], { webhook_url: slow.receiver.url });
  await stack.untilSeen(stack.random.integer(50, 90), slow);
  await stack.send([1]);
  await stack.untilSeen(1);
  expect(slow.requests.filter(({ answered }) => answered !== undefined)).toEqual([]);
  expect(slow.requests.length).toBeGreaterThan(0);

  slow.behaviour = take;
  stack.healed();
  await stack.conclude({ elsewhere: [slow] });
});
