import type { AttemptEnd } from '../activities/attempt-end.js';
import type { SendErrorKind } from '../activities/send-error.js';

/** Of attempts: by the status, or by the reason why none came. */
export const ATTEMPT_CLASSES = [
  '2xx',
  '3xx',
  '4xx',
  '5xx',
  'timeout',
  'connect',
  'dns',
  'tls',
  'refused_address',
  'invalid_response',
  'local',
  'other',
  /** There is no end: interrupted, or never made. */
  'none',
] as const;
export type AttemptClass = (typeof ATTEMPT_CLASSES)[number];

const CLASS_OF_KIND: Record<SendErrorKind, AttemptClass> = {
  refused: 'connect',
  unreachable: 'connect',
  reset: 'connect',
  dns: 'dns',
  tls: 'tls',
  timeout: 'timeout',
  egress_refused: 'refused_address',
  invalid_response: 'invalid_response',
  local: 'local',
  other: 'other',
};

/** A handful of values for all answers. */
export function attemptClass({
  response_code,
  error_kind,
}: Pick<AttemptEnd, 'response_code' | 'error_kind'>): AttemptClass {
  if (response_code === null) return error_kind === null ? 'none' : CLASS_OF_KIND[error_kind];
  const hundreds = Math.floor(response_code / 100);
  return hundreds >= 2 && hundreds <= 5 ? (`${hundreds}xx` as AttemptClass) : 'other';
}
