import { describe, expect, test } from 'vitest';
import { findFailedOptions, resendFailedOptions } from '../../../client/failed-start.js';
import { encodeFailureCursor } from '../../../contract/cursor.js';
import { InvalidRequestError, resendFailedRequestSchema } from '../../../contract/index.js';

const NOW = new Date();
const period = { user_id: 'u-1', since: '2026-01-30T09:00:00Z', until: '2026-01-31T09:00:00Z' };
const ofJson = (json: string): string => Buffer.from(json).toString('base64url');

describe.each([
  ['listFailed', findFailedOptions],
  ['resendFailed', (request: typeof period) => resendFailedOptions(request, NOW)],
])('%s refuses at once', (_, optionsOf) => {
  test.each([
    ['a period that ends as it begins', { until: period.since }, 'since must be before until'],
    ['one that ends before it begins', { until: '2026-01-29T09:00:00Z' }, 'since must be before until'],
    [
      'one that begins later than now',
      { since: '2999-01-01T00:00:00Z', until: undefined },
      'since must be before until',
    ],
    ['a year before 1970', { since: '0000-01-01T00:00:00Z' }, 'since must be in a year from 1970 to 9999'],
    ['what is no time', { since: 'yesterday' }, 'since must be the start as an ISO 8601 time'],
  ])('%s', (__, change, message) => {
    const request = { ...period, ...change } as typeof period;
    expect(() => optionsOf(request)).toThrow(InvalidRequestError);
    expect(() => optionsOf(request)).toThrow(message);
  });
});

test('resendFailed loses no field on its way to the workflow', () => {
  const whole = { ...period, url: 'https://example.com/', options: { max_in_flight: 7, down_after: 3 } };
  expect(Object.keys(whole).sort()).toEqual(Object.keys(resendFailedRequestSchema.shape).sort());
  expect(resendFailedOptions(whole, NOW).args).toEqual([whole]);
});

test('resendFailed refuses options beyond their limits at once', () => {
  const request = { ...period, options: { max_in_flight: 501 } };
  expect(() => resendFailedOptions(request, NOW)).toThrow('options.max_in_flight');
});

test.each(['', 'x', '%00', ofJson('["c"]'), ofJson('[1,"\\u0000"]'), ofJson('[9e15,"c"]')])(
  'listFailed refuses the cursor %j at once',
  (cursor) => {
    expect(() => findFailedOptions({ ...period, cursor })).toThrow('cursor must be the next_cursor of the page before');
  },
);

test.each(['', 'b', 'a.b\0', 'a.b.c'])('listFailed refuses %j, which is no batch ID, at once', (batch_id) => {
  expect(() => findFailedOptions({ ...period, batch_id })).toThrow('batch_id must be the ID of a batch');
});

test('listFailed takes the cursor of the page before', () => {
  const cursor = encodeFailureCursor(1, 'c-1');
  expect(findFailedOptions({ ...period, cursor }).args).toMatchObject([{ cursor }]);
});
