import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RoundAnswers } from '../../../activities/round-answers.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const GATHER_MS = 50;

function startRounds() {
  const answers = new RoundAnswers(GATHER_MS);
  const given: string[] = [];
  /** An attempt of the round of this number begins. What is returned ends it. */
  const begin = (name: string, size: number, { number = 0, runId = 'run' } = {}) => {
    const take = answers.expect(runId, { number, size });
    return () => take(() => given.push(name));
  };
  return { given, begin };
}

it('an attempt that is a round by itself is answered at once', () => {
  const { given, begin } = startRounds();
  for (const number of [0, 1]) begin(`round ${number}`, 1, { number })();
  expect(given).toEqual(['round 0', 'round 1']);
  expect(vi.getTimerCount()).toBe(0);
});

it('attempts of one round are answered together, in the order of their ends', () => {
  const { given, begin } = startRounds();
  const [a, b] = [begin('a', 3), begin('b', 3)];
  b();
  a();
  expect(given).toEqual([]);
  begin('c', 3)();
  expect(given).toEqual(['b', 'a', 'c']);
  expect(vi.getTimerCount()).toBe(0);
});

it('a round waits for no other one, and for no other run', () => {
  const { given, begin } = startRounds();
  begin('another run', 1, { runId: 'another' });
  begin('the round before', 2);
  begin('quick', 1, { number: 1 })();
  expect(given).toEqual(['quick']);
});

it('an answer waits for a moment at most', () => {
  const { given, begin } = startRounds();
  const [quick, slow, other] = [begin('quick', 3), begin('slow', 3), begin('other', 3)];
  quick();
  vi.advanceTimersByTime(GATHER_MS - 1);
  expect(given).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(given).toEqual(['quick']);
  other();
  slow();
  expect(given).toEqual(['quick', 'other', 'slow']);
  expect(vi.getTimerCount()).toBe(0);
});

it('a round of which a part is not begun again is answered after a moment', () => {
  const { given, begin } = startRounds();
  for (const name of ['a', 'b']) begin(name, 50)();
  expect(given).toEqual([]);
  vi.advanceTimersByTime(GATHER_MS);
  expect(given).toEqual(['a', 'b']);
});
