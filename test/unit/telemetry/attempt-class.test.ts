import { expect, test } from 'vitest';
import { SEND_ERROR_KINDS } from '../../../activities/send-error.js';
import { ATTEMPT_CLASSES, attemptClass } from '../../../telemetry/attempt-class.js';

test.each([
  [200, '2xx'],
  [301, '3xx'],
  [410, '4xx'],
  [599, '5xx'],
  [600, 'other'],
  [999, 'other'],
] as const)('the class of %i is %s', (response_code, expected) => {
  expect(attemptClass({ response_code, error_kind: null })).toBe(expected);
});

test.each([
  ['refused', 'connect'],
  ['reset', 'connect'],
  ['unreachable', 'connect'],
  ['dns', 'dns'],
  ['tls', 'tls'],
  ['timeout', 'timeout'],
  ['egress_refused', 'refused_address'],
] as const)('without a status, %s is %s', (error_kind, expected) => {
  expect(attemptClass({ response_code: null, error_kind })).toBe(expected);
});

test('each kind of failure has a class of the list', () => {
  for (const error_kind of SEND_ERROR_KINDS)
    expect(ATTEMPT_CLASSES).toContain(attemptClass({ response_code: null, error_kind }));
});
