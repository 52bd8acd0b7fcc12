import { expect, test } from 'vitest';
import { cached } from '../../../telemetry/cached.js';

test('asks once for all who want to know at the same time, and for a while afterwards', async () => {
  let now = 0;
  let asked = 0;
  const read = cached(
    1_000,
    async () => {
      asked += 1;
      return asked;
    },
    () => now,
  );
  expect(await Promise.all([read(), read(), read()])).toEqual([1, 1, 1]);
  now += 999;
  expect(await read()).toBe(1);
  now += 1;
  expect(await Promise.all([read(), read()])).toEqual([2, 2]);
});

test('does not ask again while an answer is still to come, however long that takes', async () => {
  let now = 0;
  let asked = 0;
  let answer: (value: string) => void = () => undefined;
  const read = cached(
    1_000,
    () => {
      asked += 1;
      return new Promise<string>((resolve) => {
        answer = resolve;
      });
    },
    () => now,
  );
  const first = read();
  now += 60_000;
  const second = read();
  answer('late');
  expect(await Promise.all([first, second])).toEqual(['late', 'late']);
  expect(asked).toBe(1);
});
