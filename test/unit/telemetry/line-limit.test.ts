import { expect, test } from 'vitest';
import { LineLimit } from '../../../telemetry/line-limit.js';

function limited(lines = 2) {
  let now = 0;
  const leftOut: [string, number][] = [];
  const limit = new LineLimit({
    onLeftOut: (key, count) => leftOut.push([key, count]),
    lines,
    windowMs: 1_000,
    now: () => now,
  });
  const pass = (ms: number) => {
    now += ms;
  };
  return { limit, leftOut, pass };
}

test('admits so many lines for each key, and no more within the window', () => {
  const { limit } = limited();
  expect(['a', 'a', 'a', 'b', 'a'].map((key) => limit.admits(key))).toEqual([true, true, false, true, false]);
});

test('tells what was left out when the next window begins, and admits again', () => {
  const { limit, leftOut, pass } = limited();
  for (let line = 0; line < 7; line += 1) limit.admits('a');
  expect(leftOut).toEqual([]);
  pass(1_001);
  expect(limit.admits('a')).toBe(true);
  expect(leftOut).toEqual([['a', 5]]);
});

test('sweeps the windows that are over, and leaves the others', () => {
  const { limit, leftOut, pass } = limited(0);
  limit.admits('old');
  pass(900);
  limit.admits('new');
  pass(200);
  limit.sweep();
  expect(leftOut).toEqual([['old', 1]]);
  limit.sweep({ all: true });
  expect(leftOut).toEqual([
    ['old', 1],
    ['new', 1],
  ]);
});

test('says nothing of a window in which nothing was left out', () => {
  const { limit, leftOut } = limited();
  limit.admits('a');
  limit.sweep({ all: true });
  expect(leftOut).toEqual([]);
});
