import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RoundAnswers } from '../../../activities/round-answers.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const GATHER_MS = 50;

function startRound() {
  const answers = new RoundAnswers(GATHER_MS);
  const given: string[] = [];
  const expectOne = (name: string, runId = 'run') => {
    const take = answers.expect(runId);
    return () => take(() => given.push(name));
  };
  return { given, expectOne };
}

it('an answer that no other is to follow is given at once', () => {
  const { given, expectOne } = startRound();
  for (const name of ['first', 'second']) expectOne(name)();
  expect(given).toEqual(['first', 'second']);
});

it('answers of one run are given together, in the order of their ends', () => {
  const { given, expectOne } = startRound();
  const [a, b, c] = [expectOne('a'), expectOne('b'), expectOne('c')];
  b();
  c();
  expect(given).toEqual([]);
  a();
  expect(given).toEqual(['b', 'c', 'a']);
});

it('an answer does not wait for another run', () => {
  const { given, expectOne } = startRound();
  expectOne('slow', 'another run');
  expectOne('quick')();
  expect(given).toEqual(['quick']);
});

it('an answer waits for a moment at most', () => {
  const { given, expectOne } = startRound();
  const [quick, slow, other] = [expectOne('quick'), expectOne('slow'), expectOne('other')];
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
