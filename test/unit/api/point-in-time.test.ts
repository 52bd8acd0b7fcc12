import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { pointInTime } from '../../../api/schemas/point-in-time.js';

const NOW = '2026-01-31T09:00:00.000Z';

beforeEach(() => {
  vi.useFakeTimers({ now: new Date(NOW) });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('pointInTime', () => {
  test.each([
    ['2026-01-30T09:00:00Z', '2026-01-30T09:00:00.000Z'],
    ['2026-01-30T09:00:00.123+02:00', '2026-01-30T07:00:00.123Z'],
    ['24h', '2026-01-30T09:00:00.000Z'],
    ['90m', '2026-01-31T07:30:00.000Z'],
    ['7d', '2026-01-24T09:00:00.000Z'],
    ['0s', NOW],
  ])('reads %s', (value, time) => {
    expect(pointInTime.parse(value)).toBe(time);
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
