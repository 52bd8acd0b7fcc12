import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type FailedAttempt,
  MAX_RETRY_AFTER_MS,
  nextDelay,
  type RetryPolicy,
} from '../../../activities/retry-schedule.js';
import { loadConfig } from '../../../config/index.js';

const POLICY = loadConfig({}).retryPolicy;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const failed = (attempt: Partial<FailedAttempt> = {}): FailedAttempt => ({
  step: 0,
  remaining_ms: 72 * HOUR,
  random: 0.5,
  response_code: 500,
  ...attempt,
});

const policies = fc.record<Pick<RetryPolicy, 'schedule_ms' | 'jitter'>>({
  schedule_ms: fc.array(fc.integer({ min: 0, max: 48 * HOUR }), { minLength: 1, maxLength: 10 }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
});
const attempts = fc.record<FailedAttempt>({
  step: fc.nat(200),
  remaining_ms: fc.integer({ min: -HOUR, max: 200 * HOUR }),
  random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  response_code: fc.constantFrom(null, 301, 404, 429, 500, 503),
  retry_after_ms: fc.nat(100 * HOUR),
});

describe('the default schedule', () => {
  it.each([
    [0, 5 * SECOND],
    [1, 30 * SECOND],
    [2, 2 * MINUTE],
    [3, 5 * MINUTE],
    [4, 15 * MINUTE],
    [5, 30 * MINUTE],
    [6, HOUR],
    [7, HOUR],
    [60, HOUR],
  ])('after attempt number %i waits %i ms', (step, delay_ms) => {
    expect(nextDelay(POLICY, failed({ step }))).toEqual({ delay_ms, held_ms: 0 });
  });

  it.each([
    [0, 4 * SECOND],
    [0.25, 4.5 * SECOND],
    [0.75, 5.5 * SECOND],
    [1, 6 * SECOND],
  ])('spreads a wait by a fifth in both directions (random %d: %i ms)', (random, delay_ms) => {
    expect(nextDelay(POLICY, failed({ random }))).toEqual({ delay_ms, held_ms: 0 });
  });

  it('ends at the horizon', () => {
    const last = failed({ step: 70, remaining_ms: HOUR });
    expect(nextDelay(POLICY, last)).toEqual({ delay_ms: HOUR, held_ms: 0 });
    expect(nextDelay(POLICY, { ...last, remaining_ms: HOUR - 1 })).toBe('used_up');
  });

  it('makes 78 attempts when all of them fail at once', () => {
    let attemptsMade = 1;
    let remaining_ms = POLICY.horizon_ms;
    for (;;) {
      const next = nextDelay(POLICY, failed({ step: attemptsMade - 1, remaining_ms }));
      if (next === 'used_up') break;
      remaining_ms -= next.delay_ms;
      attemptsMade += 1;
    }
    expect(attemptsMade).toBe(78);
    expect(remaining_ms).toBeGreaterThanOrEqual(0);
  });
});

describe('retry-after', () => {
  it.each([429, 503])('is waited for with %i, and held', (response_code) => {
    const next = nextDelay(POLICY, failed({ response_code, retry_after_ms: MINUTE, random: 0 }));
    expect(next).toEqual({ delay_ms: MINUTE, held_ms: MINUTE });
  });

  it.each([null, 200, 301, 404, 500, 502])('is ignored with %s', (response_code) => {
    const next = nextDelay(POLICY, failed({ response_code, retry_after_ms: MINUTE }));
    expect(next).toEqual({ delay_ms: 5 * SECOND, held_ms: 0 });
  });

  it('does not shorten the scheduled wait', () => {
    const next = nextDelay(POLICY, failed({ step: 2, response_code: 429, retry_after_ms: SECOND }));
    expect(next).toEqual({ delay_ms: 2 * MINUTE, held_ms: SECOND });
  });

  it('spreads webhooks upwards only', () => {
    const next = nextDelay(POLICY, failed({ response_code: 429, retry_after_ms: MINUTE, random: 0.5 }));
    expect(next).toEqual({ delay_ms: 66 * SECOND, held_ms: MINUTE });
  });

  it.each([25 * HOUR, 1_000 * HOUR, Number.MAX_SAFE_INTEGER])('is cut to 24 hours (%i ms)', (retry_after_ms) => {
    const next = nextDelay(POLICY, failed({ response_code: 503, retry_after_ms, random: 0.99 }));
    expect(next).toEqual({ delay_ms: 24 * HOUR, held_ms: 24 * HOUR });
  });

  it('uses the schedule up when it asks for more than the rest of the horizon', () => {
    const late = failed({ response_code: 503, remaining_ms: 12 * HOUR, retry_after_ms: 20 * HOUR });
    expect(nextDelay(POLICY, late)).toBe('used_up');
  });
});

describe('any policy', () => {
  it('with an empty schedule allows one attempt', () => {
    expect(nextDelay({ schedule_ms: [], jitter: 0 }, failed())).toBe('used_up');
  });

  it('never waits past the horizon, less than nothing, or a fraction of a millisecond', () => {
    fc.assert(
      fc.property(policies, attempts, (policy, attempt) => {
        const next = nextDelay(policy, attempt);
        if (next === 'used_up') return;
        expect(Number.isInteger(next.delay_ms)).toBe(true);
        expect(next.delay_ms).toBeGreaterThanOrEqual(0);
        expect(next.delay_ms).toBeLessThanOrEqual(attempt.remaining_ms);
      }),
    );
  });

  it('keeps a wait without Retry-After within its jitter', () => {
    fc.assert(
      fc.property(policies, attempts, (policy, attempt) => {
        const next = nextDelay(policy, { ...attempt, remaining_ms: Number.MAX_SAFE_INTEGER });
        if (next === 'used_up') throw new Error('an endless horizon cannot be used up');
        if (next.held_ms > 0) return;
        const base = policy.schedule_ms[Math.min(attempt.step, policy.schedule_ms.length - 1)] ?? Number.NaN;
        expect(next.delay_ms).toBeGreaterThanOrEqual(Math.floor(base * (1 - policy.jitter)));
        expect(next.delay_ms).toBeLessThanOrEqual(Math.ceil(base * (1 + policy.jitter)));
      }),
    );
  });

  it('waits at least as long as retry-after asks, up to 24 hours', () => {
    fc.assert(
      fc.property(policies, attempts, fc.constantFrom(429, 503), (policy, attempt, response_code) => {
        const next = nextDelay(policy, { ...attempt, remaining_ms: Number.MAX_SAFE_INTEGER, response_code });
        if (next === 'used_up') throw new Error('an endless horizon cannot be used up');
        const asked = Math.min(attempt.retry_after_ms ?? 0, MAX_RETRY_AFTER_MS);
        expect(next.delay_ms).toBeGreaterThanOrEqual(Math.floor(asked));
      }),
    );
  });

  it('once used up stays used up as time goes by', () => {
    fc.assert(
      fc.property(policies, attempts, fc.nat(100 * HOUR), (policy, attempt, later) => {
        fc.pre(nextDelay(policy, attempt) === 'used_up');
        expect(nextDelay(policy, { ...attempt, remaining_ms: attempt.remaining_ms - later })).toBe('used_up');
      }),
    );
  });
});
