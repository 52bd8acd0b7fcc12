import { expect, test } from 'vitest';
import { Gate } from '../../../workflows/gate.js';

test('lets one probe pass after 1 s, 2 s, 4 s ... 30 s, and all at the first answer', () => {
  const gate = new Gate();
  let now = 0;
  const delays = Array.from({ length: 7 }, () => {
    gate.failed(now);
    const delay = gate.opensAt - now;
    expect(gate.places(gate.opensAt - 1)).toBe(0);
    now = gate.opensAt;
    expect(gate.places(now)).toBe(1);
    return delay;
  });
  expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  gate.answered(now);
  expect(gate.places(now)).toBe(Number.POSITIVE_INFINITY);
  gate.failed(now);
  expect(gate.opensAt - now).toBe(1_000);
});

test('failures that came together count once, and those that are tolerated not at all', () => {
  const gate = new Gate(2);
  for (let failure = 0; failure < 2; failure += 1) gate.failed(0);
  expect(gate.isOpen).toBe(true);
  for (let failure = 0; failure < 50; failure += 1) gate.failed(0);
  expect(gate.opensAt).toBe(1_000);
});

test('an answer to what was asked before a failure that outweighs it opens nothing', () => {
  const gate = new Gate();
  gate.failed(500, 500);
  gate.answered(499);
  expect(gate.isOpen).toBe(false);
  gate.answered(500);
  expect(gate.isOpen).toBe(true);
});

test('an answer beside a failure opens it', () => {
  const gate = new Gate();
  gate.failed(500);
  gate.answered(0);
  expect(gate.isOpen).toBe(true);
});
