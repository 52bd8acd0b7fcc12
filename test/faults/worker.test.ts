import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { INTERRUPTED } from '../../contract/index.js';
import { answer } from '../support/behaviours.js';
import type { Break, RecordedCall } from '../support/fault-audit.js';
import { sharedPostgres } from '../support/fault-postgres.js';
import { FaultStack, type FaultStackOptions } from '../support/fault-stack.js';
import { mixedBatches } from '../support/fault-workload.js';

const postgres = sharedPostgres();

const startStack = async (options: Omit<FaultStackOptions, 'store'>) =>
  FaultStack.start({ ...options, store: { databaseUrl: await postgres().createDatabase() } });

const interrupted = ({ attempts }: RecordedCall): boolean => attempts.some(({ error }) => error === INTERRUPTED);

/** The successor has sent again what was in flight, and nothing else. */
async function concludeCutOff(stack: FaultStack, killed: Break): Promise<void> {
  stack.healed();
  const { calls, cutOff } = await stack.conclude({ breaks: [killed] });
  expect(cutOff.length).toBeGreaterThan(0);
  expect(calls.filter(interrupted).map(({ call_id }) => call_id)).toEqual(cutOff);
}

/** Which of the two workers has an attempt under way. */
function busyOf(open: Record<string, number>): 10 | 12 | undefined {
  if (open[10]) return 10;
  return open[12] ? 12 : undefined;
}

describe('a worker that dies', () => {
  test('alone: its successor sends again what was in flight, and nothing else', async () => {
    const stack = await startStack({ scenario: 'SIGKILL of the worker' });
    const worker = await stack.startWorker();
    await stack.send(mixedBatches(stack.random));
    await stack.untilMidway();
    const killed = await stack.break(() => worker.kill());
    await stack.startWorker();
    await concludeCutOff(stack, killed);
  });

  test('beside another one: the other one goes on, and sends again what was in flight', async () => {
    const stack = await startStack({ scenario: 'two workers, one killed' });
    // An attempt's deadline is 2 s after its worker's timeout, and so tells whose it is.
    const workers = {
      10: await stack.startWorker({ POSTCALL_ATTEMPT_TIMEOUT: '8s' }),
      12: await stack.startWorker({ POSTCALL_ATTEMPT_TIMEOUT: '10s' }),
    };
    await stack.send(mixedBatches(stack.random));
    await stack.untilMidway();
    const release = stack.endpoint.hold();
    const victim = await vi.waitUntil(async () => busyOf(await stack.database.openAttempts()), { timeout: 60_000 });
    const killed = await stack.break(() => workers[victim].kill());
    release();
    await concludeCutOff(stack, killed);
  });
});

describe('a worker that is frozen for 15 seconds', () => {
  test('has lost its work to another one when it wakes, and repeats nothing but what was in flight', async () => {
    const stack = await startStack({ scenario: 'SIGSTOP of the worker for 15 s, another takes over' });
    const worker = await stack.startWorker();
    await stack.send(mixedBatches(stack.random));
    await stack.untilMidway();
    const frozen = await stack.break(() => worker.freeze());
    await stack.startWorker();
    stack.healed();
    await delay(15_000);
    worker.thaw();

    // What it had sent is answered, but its own clock runs out before it reads the answers.
    const { cutOff } = await stack.conclude({ breaks: [frozen], uncertain: /^timed out/ });
    expect(cutOff.length).toBeGreaterThan(0);
  });
});

test('a worker that is frozen for moments lives on unnoticed', async () => {
  const stack = await startStack({
    scenario: 'SIGSTOP of the worker for 6 s, three times',
    environment: { POSTCALL_ATTEMPT_TIMEOUT: '30s' },
  });
  stack.endpoint.behaviour = answer(200);
  const worker = await stack.startWorker();
  await stack.send([...mixedBatches(stack.random), 500, 500]);
  for (let freezes = 0; freezes < 3; freezes += 1) {
    await stack.untilSeen(stack.endpoint.requests.length + stack.random.integer(50, 250));
    worker.freeze();
    // Node.js aborts a process whose workflow code was under way for longer than the SDK allows, which is 5 s if left alone.
    await delay(6_000);
    worker.thaw();
  }
  stack.healed();

  const { calls, duplicates } = await stack.conclude();
  expect(duplicates).toBe(0);
  for (const { attempts } of calls) expect(attempts).toMatchObject([{ response_code: 200 }]);
});
