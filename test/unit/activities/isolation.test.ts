import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Isolation, isPoison, type Turn } from '../../../activities/isolation.js';

const ONCE = { in_a_row: 1, alone: 0 };
const REPEATEDLY = { in_a_row: 3, alone: 0 };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** What a promise has come to, without waiting for it. */
function watch<T>(promise: Promise<T>): { settled: boolean; value?: T } {
  const state: { settled: boolean; value?: T } = { settled: false };
  void promise.then((value) => Object.assign(state, { settled: true, value }));
  return state;
}

/** So many attempts in flight. */
function busy(count: number): Isolation {
  const isolation = new Isolation();
  for (let entered = 0; entered < count; entered += 1) expect(isolation.enter()).toBeUndefined();
  return isolation;
}

/** A suspect that has entered. */
function admit(isolation: Isolation, suspect = ONCE) {
  expect(isolation.enter()).toBeUndefined();
  return watch<Turn | undefined>(isolation.admit(suspect));
}

const passed = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('a suspect', () => {
  it('is alone where nothing else is in flight', async () => {
    const state = admit(busy(0));
    await passed(0);
    expect(state.value).toBeDefined();
  });

  it('goes on among others while there are some', async () => {
    const state = admit(busy(1));
    await passed(0);
    expect(state).toEqual({ settled: true, value: undefined });
  });

  it('from the third interruption on waits for the others to end, and is alone then', async () => {
    const isolation = busy(2);
    const state = admit(isolation, REPEATEDLY);
    await passed(100);
    isolation.leave();
    await passed(100);
    expect(state.settled).toBe(false);
    isolation.leave();
    await passed(0);
    expect(state.value).toBeDefined();
  });

  it('that others do not end for within a second goes on among them', async () => {
    const state = admit(busy(1), REPEATEDLY);
    await passed(999);
    expect(state.settled).toBe(false);
    await passed(2);
    expect(state).toEqual({ settled: true, value: undefined });
  });

  it.each([
    [0, false],
    [2, false],
    [3, true],
  ])('is poison after three attempts alone and not for those among others: %i', (alone, poison) => {
    expect(isPoison({ in_a_row: 10, alone })).toBe(poison);
  });
});

describe('other attempts', () => {
  it('wait while a suspect is alone, and start when its attempt has ended', async () => {
    const isolation = busy(0);
    const state = admit(isolation);
    await passed(0);
    const other = watch(isolation.enter() ?? Promise.reject(new Error('it should wait')));
    await passed(200);
    expect(other.settled).toBe(false);
    state.value?.end();
    await passed(0);
    expect(other.settled).toBe(true);
  });

  it('wait for 250 ms at most, and start only when the suspect is noted as one among others', async () => {
    const isolation = busy(0);
    const state = admit(isolation);
    await passed(0);
    const shared = resolvers();
    let asked = 0;
    await state.value?.opened(async () => {
      asked += 1;
      await shared.promise;
    });
    const other = watch(isolation.enter() ?? Promise.reject(new Error('it should wait')));
    await passed(250);
    expect([asked, other.settled]).toEqual([1, false]);
    shared.resolve(undefined);
    await passed(0);
    expect(other.settled).toBe(true);
  });

  it('are let in before a suspect that opens late, which is noted as one among others at once', async () => {
    const isolation = busy(0);
    const state = admit(isolation);
    await passed(250);
    expect(isolation.enter()).toBeUndefined();
    let asked = 0;
    await state.value?.opened(async () => {
      asked += 1;
    });
    expect(asked).toBe(1);
  });

  it('get on between the turns of a long line of suspects', async () => {
    const isolation = busy(0);
    const first = admit(isolation, REPEATEDLY);
    await passed(0);
    expect(first.value).toBeDefined();
    const other = watch(isolation.enter() ?? Promise.reject(new Error('it should wait')));
    first.value?.end();
    isolation.leave();
    await passed(0);
    expect(other.settled).toBe(true);
  });
});

it('a hundred suspects are tried one after the other, each alone, and all get on', async () => {
  const isolation = busy(0);
  let alone = 0;
  let most = 0;
  let done = 0;
  const attempts = Array.from({ length: 100 }, async () => {
    await isolation.enter();
    const turn = await isolation.admit(REPEATEDLY);
    if (turn) {
      alone += 1;
      most = Math.max(most, alone);
      await new Promise((resolve) => setTimeout(resolve, 20));
      alone -= 1;
      turn.end();
    }
    isolation.leave();
    done += 1;
  });
  await passed(20_000);
  await Promise.all(attempts);
  expect([most, done]).toEqual([1, 100]);
  expect(isolation.enter()).toBeUndefined();
});

it('a suspect whose turn does not come within ten seconds goes on among others', async () => {
  const isolation = busy(0);
  const states = Array.from({ length: 60 }, () => admitLater(isolation));
  await passed(60_000);
  expect(states.every(({ settled }) => settled)).toBe(true);
  expect(states.some(({ value }) => value === undefined)).toBe(true);
});

/** Its attempt never ends. */
function admitLater(isolation: Isolation) {
  return watch(
    (async () => {
      await isolation.enter();
      return isolation.admit(REPEATEDLY);
    })(),
  );
}

function resolvers() {
  let resolve!: (value: unknown) => void;
  const promise = new Promise((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}
