import { describe, expect, test } from 'vitest';
import { preferredWait } from '../../../api/answers/prefer.js';

describe('preferredWait', () => {
  test.each([
    ['wait=10', 10],
    ['wait=0', 0],
    ['WAIT=10', 10],
    ['wait = 10', 10],
    ['wait="10"', 10],
    ['respond-async, wait=10', 10],
    ['wait=10; foo="bar", handling=lenient', 10],
    ['wait=10, wait=20', 10],
    ['wait=60', 60],
    ['wait=3600', 60],
  ])('reads %s', (header, seconds) => {
    expect(preferredWait(header)).toBe(seconds);
  });

  test.each([
    undefined,
    '',
    'respond-async',
    'wait',
    'wait=',
    'wait=soon',
    'wait=-1',
    'wait=1.5',
    'waiting=5',
    'wait=1e3',
  ])('ignores %s', (header) => {
    expect(preferredWait(header)).toBeUndefined();
  });
});
