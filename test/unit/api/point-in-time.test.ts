import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { pointInTime, readPeriod } from '../../../api/schemas/point-in-time.js';

const NOW = '2026-01-31T09:00:00.000Z';

beforeEach(() => {
  vi.useFakeTimers({ now: new Date(NOW) });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const period = z.object({ since: pointInTime, until: pointInTime.optional() }).transform(readPeriod);

describe('a point in time', () => {
  test.each([
    ['2026-01-30T09:00:00Z', '2026-01-30T09:00:00.000Z'],
    ['2026-01-30T09:00:00.123+02:00', '2026-01-30T07:00:00.123Z'],
    ['24h', '2026-01-30T09:00:00.000Z'],
    ['90m', '2026-01-31T07:30:00.000Z'],
    ['7d', '2026-01-24T09:00:00.000Z'],
    ['1ms', '2026-01-31T08:59:59.999Z'],
  ])('reads %s', (since, time) => {
    expect(period.parse({ since })).toEqual({ since: time });
  });

  test.each([
    '',
    'yesterday',
    '2026-01-30',
    '2026-02-30T09:00:00Z',
    '24',
    '-24h',
    '24 hours',
    '999999999w',
    '0000-01-01T00:00:00Z',
    '1969-12-31T23:59:59Z',
    '1969-12-31T23:30:00-00:15',
  ])('refuses %j', (value) => {
    const parsed = pointInTime.safeParse(value);
    expect(parsed.error?.issues).toMatchObject([{ message: expect.stringContaining('must be an ISO 8601 time') }]);
  });

  test('refuses a time that ISO 8601 writes with five digits once it is in UTC', () => {
    expect(pointInTime.safeParse('9999-12-31T23:59:59-01:00').success).toBe(false);
  });

  test('is required', () => {
    expect(pointInTime.safeParse(undefined).error?.issues).toMatchObject([{ message: 'is required' }]);
  });
});

describe('a period', () => {
  test('has both ends in UTC', () => {
    expect(period.parse({ since: '24h', until: '2026-01-31T09:00:00+01:00' })).toEqual({
      since: '2026-01-30T09:00:00.000Z',
      until: '2026-01-31T08:00:00.000Z',
    });
  });

  test.each([
    [{ since: '24h', until: '24h' }],
    [{ since: '1d', until: '24h' }],
    [{ since: '24h', until: '2026-01-30T09:00:00Z' }],
    [{ since: '1h', until: '2h' }],
    [{ since: '0s' }],
    [{ since: '2026-01-31T10:00:00Z' }],
  ])('without any time in it is refused, however long its reading takes: %j', (ends) => {
    let now = Date.parse(NOW);
    // Each look at the clock finds it later.
    vi.spyOn(Date, 'now').mockImplementation(() => now++);
    const { error } = period.safeParse(ends);
    expect(error?.issues).toMatchObject([
      { path: ['since'], message: expect.stringContaining('must be before until') },
    ]);
  });
});
