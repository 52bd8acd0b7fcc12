import { describe, expect, test } from 'vitest';
import { INTERRUPTED } from '../../contract/index.js';
import { answer, delayed } from '../support/behaviours.js';
import { sharedPostgres } from '../support/fault-postgres.js';
import { FaultStack } from '../support/fault-stack.js';
import { mixedBatches } from '../support/fault-workload.js';

const postgres = sharedPostgres();

/** Everything may be in flight at once, and each attempt has time for an answer after 5 s. */
async function startStack(scenario: string): Promise<FaultStack> {
  const environment = { POSTCALL_ATTEMPT_TIMEOUT: '12s', POSTCALL_MAX_IN_FLIGHT: '500' };
  const stack = await FaultStack.start({
    scenario,
    store: { databaseUrl: await postgres().createDatabase() },
    environment,
  });
  stack.endpoint.behaviour = delayed(5_000, answer(200));
  return stack;
}

describe('an endpoint that answers after 5 seconds', () => {
  test('gets one request for each call, watched until its end and recorded once', async () => {
    const stack = await startStack('receiver answers after 5 s');
    await stack.startWorker();
    await stack.send(mixedBatches(stack.random), { max_in_flight: 500 });
    const { calls } = await stack.conclude();
    expect(stack.endpoint.requests).toHaveLength(calls.length);
    for (const { attempts } of calls) expect(attempts).toMatchObject([{ response_code: 200 }]);
  });

  test('gets each request again that was in flight when the worker died, once', async () => {
    const stack = await startStack('receiver answers after 5 s, SIGKILL of the worker');
    const worker = await stack.startWorker();
    await stack.send(mixedBatches(stack.random), { max_in_flight: 500 });
    await stack.untilMidway();
    const killed = await stack.break(() => worker.kill());
    const hanging = stack.endpoint.requests.filter(({ answered }) => answered === undefined);
    await stack.startWorker();
    stack.healed();

    const { calls, cutOff } = await stack.conclude({ breaks: [killed] });
    expect(hanging.length).toBeGreaterThan(0);
    for (const { callId = '' } of hanging) {
      expect(cutOff).toContain(callId);
      expect(stack.endpoint.receiver.requestsOf(callId)).toHaveLength(2);
    }
    for (const { call_id, attempts } of calls) {
      const errors = attempts.map(({ error }) => error);
      expect(errors).toEqual(cutOff.includes(call_id) ? [INTERRUPTED, null] : [null]);
    }
  });
});
