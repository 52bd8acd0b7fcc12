import { describe, expect, it } from 'vitest';
import { type AttemptResult, RunningAttempt, RunningAttempts } from '../../../activities/running-attempts.js';
import type { DeliveryEnd } from '../../../contract/index.js';

const REF = { batch_id: 'b.1', user_id: 'u-1', call_id: 'c-1' };
const DELIVERED: DeliveryEnd = { kind: 'delivered' };

/** Attempts that end when they are told to. */
function world() {
  const clock = { now: 0 };
  const attempts = new RunningAttempts({ now: () => clock.now });
  const made: { attempt: RunningAttempt; end: (end: AttemptResult) => void }[] = [];
  const join = (ref = REF) =>
    attempts.join(
      ref,
      (attempt) =>
        new Promise((resolve, reject) => {
          made.push({ attempt, end: (end) => (end instanceof Error ? reject(end) : resolve(end)) });
        }),
    );
  const end = async (index: number, result: AttemptResult) => {
    made[index]?.end(result);
    await new Promise(setImmediate);
  };
  return { clock, attempts, made, join, end };
}

describe('running attempts', () => {
  it('are joined by batch and call, and made once', async () => {
    const { join, made, end, attempts } = world();
    const [first, second] = [join(), join()];
    const ends: AttemptResult[] = [];
    for (const attempt of [first, second]) attempt.listen({ onEnd: (result) => ends.push(result) });
    expect(second).toBe(first);
    expect(join({ ...REF, batch_id: 'b.2' })).not.toBe(first);
    expect(join({ ...REF, call_id: 'c-2' })).not.toBe(first);
    expect(made).toHaveLength(3);
    await end(0, DELIVERED);
    expect(ends).toEqual([DELIVERED, DELIVERED].slice(0, 2));
    expect(attempts.find(REF)).toBeUndefined();
  });

  it('hand a fault of our own to those who listen', async () => {
    const { join, end } = world();
    const fault = new Error('broken');
    const ends: AttemptResult[] = [];
    join().listen({ onEnd: (result) => ends.push(result) });
    await end(0, fault);
    expect(ends).toEqual([fault]);
  });

  it('tell nobody who has stopped listening', async () => {
    const { join, end } = world();
    const listener = { onEnd: () => expect.unreachable() };
    const attempt = join();
    attempt.listen(listener);
    attempt.forget(listener);
    await end(0, DELIVERED);
  });

  it('are idle when none runs, those included that start meanwhile', async () => {
    const { join, end, attempts } = world();
    join();
    let idle = false;
    void attempts.idle().then(() => {
      idle = true;
    });
    join({ ...REF, call_id: 'c-2' });
    await end(0, DELIVERED);
    expect(idle).toBe(false);
    await end(1, new Error('broken'));
    expect(idle).toBe(true);
  });
});

describe('an attempt that is left', () => {
  it.each([
    ['opening', { kind: 'slow', unopened: true }],
    ['reading', { kind: 'reading' }],
    ['sending', { kind: 'slow' }],
  ] as const)('while %s is answered by %o', (phase, end) => {
    const { join } = world();
    const attempt = join();
    attempt.phase = phase;
    expect(attempt.leave()).toEqual(end);
    expect(attempt.readsOnly).toBe(phase === 'reading');
  });

  it('before its call is read gives its place back for the reading, and is not sent', () => {
    const attempt = new RunningAttempt();
    expect(attempt.leave()).toEqual({ kind: 'slow', unopened: true });
    let given = 0;
    attempt.startReading(() => {
      given += 1;
    });
    expect(given).toBe(1);
    expect(attempt.readsOnly).toBe(true);
  });

  it('keeps its end for the next question, once', async () => {
    const { join, end, attempts } = world();
    join().leave();
    await end(0, DELIVERED);
    expect(attempts.takeEnd({ ...REF, call_id: 'c-2' })).toBeUndefined();
    expect(attempts.takeEnd(REF)).toEqual(DELIVERED);
    expect(attempts.takeEnd(REF)).toBeUndefined();
  });

  it('counts the time since its end as waited', async () => {
    const { join, end, attempts, clock } = world();
    join().leave();
    await end(0, { kind: 'retry', due_in: 5_000, endpoint_failed: true });
    clock.now = 1_500;
    expect(attempts.takeEnd(REF)).toEqual({ kind: 'retry', due_in: 3_500, endpoint_failed: true });
  });

  it('has its end forgotten after fifteen seconds, or when another is made', async () => {
    const { join, end, attempts, clock } = world();
    join().leave();
    await end(0, DELIVERED);
    clock.now = 15_001;
    expect(attempts.takeEnd(REF)).toBeUndefined();
    join().leave();
    await end(1, DELIVERED);
    join();
    expect(attempts.takeEnd(REF)).toBeUndefined();
  });
});

it('an attempt that was waited for to its end is not kept', async () => {
  const { join, end, attempts } = world();
  join().listen({ onEnd: () => undefined });
  await end(0, DELIVERED);
  expect(attempts.takeEnd(REF)).toBeUndefined();
});
