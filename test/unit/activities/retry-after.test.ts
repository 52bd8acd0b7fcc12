import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from '../../../activities/retry-after.js';

const NOW = Date.UTC(2026, 6, 15, 12, 0, 0);

describe('parseRetryAfter', () => {
  it.each([
    ['0', 0],
    ['1', 1_000],
    ['120', 120_000],
    ['007', 7_000],
    [' 30 ', 30_000],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
  ])('reads the seconds of %j', (value, milliseconds) => {
    expect(parseRetryAfter(value, NOW)).toBe(milliseconds);
  });

  it.each([
    ['Wed, 15 Jul 2026 12:01:30 GMT', 90_000],
    ['Wednesday, 15-Jul-26 12:01:30 GMT', 90_000],
    ['Wed Jul 15 12:01:30 2026', 90_000],
    ['Sat Aug  1 12:00:00 2026', 17 * 86_400_000],
    ['Sun, 29 Feb 2032 12:00:00 GMT', Date.UTC(2032, 1, 29, 12) - NOW],
  ])('reads the date %j', (value, milliseconds) => {
    expect(parseRetryAfter(value, NOW)).toBe(milliseconds);
  });

  it.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'waits for nothing that has passed (%j)',
    (value) => {
      expect(parseRetryAfter(value, NOW)).toBe(0);
    },
  );

  it('takes a two-digit year for the coming one, unless that is more than 50 years ahead', () => {
    expect(parseRetryAfter('Friday, 15-Jul-76 12:00:00 GMT', NOW)).toBe(Date.UTC(2076, 6, 15, 12) - NOW);
    expect(parseRetryAfter('Friday, 15-Jul-77 12:00:00 GMT', NOW)).toBe(0);
  });

  it.each([
    '',
    ' ',
    '-5',
    '1.5',
    '+3',
    '1e3',
    '0x10',
    '5 seconds',
    'soon',
    '2026-07-15T12:01:30Z',
    'Wed, 15 Jul 2026 12:01:30 +0200',
    'Wed, 15 Jul 2026 12:01:30',
    'Wed, 15 Abc 2026 12:01:30 GMT',
    'Wed, 31 Feb 2027 12:01:30 GMT',
    'Wed, 15 Jul 2026 25:01:30 GMT',
    'Wed, 15 Jul 2026 12:61:30 GMT',
  ])('does not understand %j', (value) => {
    expect(parseRetryAfter(value, NOW)).toBeUndefined();
  });

  it.each([
    ['ahead', 'Wed, 15 Jul 2026 13:00:00 GMT', 'Wed, 15 Jul 2026 13:01:30 GMT'],
    ['behind', 'Wed, 15 Jul 2026 11:00:00 GMT', 'Wed, 15 Jul 2026 11:01:30 GMT'],
    ['years behind', 'Thu, 01 Jan 1970 00:00:00 GMT', 'Thu, 01 Jan 1970 00:01:30 GMT'],
    ['in another form', 'Wednesday, 15-Jul-26 11:00:00 GMT', 'Wed Jul 15 11:01:30 2026'],
    ['with spaces', ' Wed, 15 Jul 2026 11:00:00 GMT ', 'Wed, 15 Jul 2026 11:01:30 GMT'],
  ])("measures a date against the response's own clock: %s", (_clock, date, value) => {
    expect(parseRetryAfter(value, NOW, date)).toBe(90_000);
  });

  it.each(['', '0', 'now', 'Wed, 31 Feb 2026 12:00:00 GMT', '2026-07-15T11:00:00Z'])(
    "measures a date against our clock when the response's is not valid: %j",
    (date) => {
      expect(parseRetryAfter('Wed, 15 Jul 2026 12:01:30 GMT', NOW, date)).toBe(90_000);
    },
  );

  it('counts seconds by no clock', () => {
    expect(parseRetryAfter('90', NOW, 'Wed, 15 Jul 2026 13:00:00 GMT')).toBe(90_000);
  });

  it('reads every date that toUTCString writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 * 366 * 86_400 }), (seconds) => {
        const value = new Date(NOW + seconds * 1_000).toUTCString();
        expect(parseRetryAfter(value, NOW)).toBe(seconds * 1_000);
      }),
    );
  });

  it('never throws, and answers nothing below zero', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(parseRetryAfter(value, NOW) ?? 0).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
