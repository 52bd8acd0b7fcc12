import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Reading } from '../../../activities/read-call.js';
import { decideReading, type ReadPolicy } from '../../../activities/read-policy.js';
import { loadConfig } from '../../../config/index.js';

const POLICY = loadConfig({}).calls.policy;
const HOUR = 3_600_000;
const decide = (reading: Reading, elapsed_ms: number, policy: Partial<ReadPolicy> = {}, remaining_ms = 72 * HOUR) =>
  decideReading(reading, { ...POLICY, ...policy }, { elapsed_ms, remaining_ms });

const ABSENT: Reading = { kind: 'absent' };
const AWAY: Reading = { kind: 'away', reason: 'the call source answered 503', retry_after_ms: 0 };
const INCOMPLETE: Reading = { kind: 'read', text: '{}', ready: false };

describe('a call that was read', () => {
  it('is sent when it is ready', () => {
    expect(decide({ kind: 'read', text: '{}', ready: true }, 99 * HOUR)).toEqual({ kind: 'send', text: '{}' });
  });

  it.each([
    [0, 1_000],
    [1_000, 1_000],
    [2_000, 2_000],
    [8_000, 8_000],
    [300_000, 30_000],
    [595_000, 5_000],
  ])('is asked for again while it is not complete: %i ms after acceptance in %i ms', (elapsed, due_in) => {
    expect(decide(INCOMPLETE, elapsed)).toEqual({ kind: 'ask_again', due_in, source_away: false });
  });

  it('that is not complete in time fails, or is sent as it is', () => {
    expect(decide(INCOMPLETE, 600_000)).toEqual({ kind: 'fail', reason: 'not complete' });
    expect(decide(INCOMPLETE, 600_000, { send_incomplete: true })).toEqual({ kind: 'send', text: '{}' });
    expect(decide(INCOMPLETE, 0, {}, 1_000)).toEqual({ kind: 'fail', reason: 'not complete' });
    expect(decide(INCOMPLETE, 0, { send_incomplete: true }, 1_000)).toEqual({ kind: 'send', text: '{}' });
  });
});

describe('a call that is not there', () => {
  it.each([
    [-50, 250],
    [0, 250],
    [250, 250],
    [500, 500],
    [1_000, 1_000],
    [2_000, 2_000],
    [4_000, 1_000],
    [4_999, 1],
  ])('is asked for again within its grace: %i ms after acceptance in %i ms', (elapsed, due_in) => {
    expect(decide(ABSENT, elapsed)).toEqual({ kind: 'ask_again', due_in, source_away: false });
  });

  it.each([
    [5_000, {}, 72 * HOUR],
    [0, { grace_ms: 0 }, 72 * HOUR],
    [1_000, {}, 1_000],
  ])('is not found after it: %i ms after acceptance', (elapsed, policy, remaining) => {
    expect(decide(ABSENT, elapsed, policy, remaining)).toEqual({ kind: 'not_found' });
  });
});

it('a call that can never be sent fails at once, with the reason', () => {
  expect(decide({ kind: 'unusable', reason: 'the call is not JSON' }, 0)).toEqual({
    kind: 'fail',
    reason: 'the call is not JSON',
  });
});

describe('a source that is away', () => {
  it.each([
    [0, 1_000],
    [4_000, 1_000],
    [20_000, 5_000],
    [HOUR, 30_000],
  ])('is asked again: %i ms after acceptance in %i ms', (elapsed, due_in) => {
    expect(decide(AWAY, elapsed)).toEqual({ kind: 'ask_again', due_in, source_away: true });
  });

  it('is left alone for as long as it asks, but for ten minutes at most', () => {
    expect(decide({ ...AWAY, retry_after_ms: 60_000 }, 0)).toMatchObject({ due_in: 60_000 });
    expect(decide({ ...AWAY, retry_after_ms: 24 * HOUR }, 0)).toMatchObject({ due_in: 600_000 });
  });

  it('fails a call whose horizon comes before it would be asked again', () => {
    expect(decide(AWAY, 0, {}, 1_000)).toEqual({ kind: 'fail', reason: 'the call source answered 503' });
  });
});

it('whatever comes, a call is asked for again a whole while later, within the horizon, or not at all', () => {
  const readings = fc.oneof(
    fc.constant(ABSENT),
    fc.constant(INCOMPLETE),
    fc.nat(48 * HOUR).map((retry_after_ms): Reading => ({ ...AWAY, retry_after_ms })),
  );
  const elapsed = fc.integer({ min: -10_000, max: 80 * HOUR });
  fc.assert(
    fc.property(readings, elapsed, fc.nat(80 * HOUR), (reading, elapsed_ms, remaining_ms) => {
      const decision = decideReading(reading, POLICY, { elapsed_ms, remaining_ms });
      if (decision.kind !== 'ask_again') return;
      expect(decision.due_in).toBeGreaterThan(0);
      expect(Number.isInteger(decision.due_in)).toBe(true);
      expect(decision.due_in).toBeLessThanOrEqual(Math.ceil(remaining_ms));
    }),
  );
});
