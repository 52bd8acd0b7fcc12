import { describe, expect, test } from 'vitest';
import { parseCount, parseTime } from '../../../../client/cli/options.js';

const now = new Date('2026-03-01T12:00:00.000Z');

describe('a time', () => {
  test.each([
    ['24h', '2026-02-28T12:00:00.000Z'],
    ['90m', '2026-03-01T10:30:00.000Z'],
    ['7d', '2026-02-22T12:00:00.000Z'],
    ['1.5 hours', '2026-03-01T10:30:00.000Z'],
    ['2026-02-01', '2026-02-01T00:00:00.000Z'],
    ['2026-02-01T08:30:00+01:00', '2026-02-01T07:30:00.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(parseTime(text, now)).toBe(expected);
  });

  test.each(['24', '', 'yesterday', '-3h', '24 parsecs', '2026-13-45'])('%j is refused', (text) => {
    expect(() => parseTime(text, now)).toThrow('such as 24h');
  });
});

describe('a count', () => {
  test('is a whole number', () => {
    expect(parseCount('25')).toBe(25);
  });

  test.each(['', '-1', '1.5', '1e3', 'many'])('%j is refused', (text) => {
    expect(() => parseCount(text)).toThrow('whole number');
  });
});
