import { isEndpointFailure } from '../contract/index.js';
import type { AttemptEnd } from './attempt-end.js';

/** What an attempt's end says by itself; the retry schedule decides the rest. */
export type Verdict =
  | { kind: 'delivered' }
  /** The endpoint is gone for good: final. */
  | { kind: 'gone' }
  /** `endpoint_failed`: the endpoint as a whole failed, not this one webhook. */
  | { kind: 'retry'; endpoint_failed: boolean };

/** 2xx is success, 410 is final, everything else is retried, redirects included: they are never followed. */
export function verdictOf({ response_code, error_kind }: Pick<AttemptEnd, 'response_code' | 'error_kind'>): Verdict {
  if (response_code === null) return { kind: 'retry', endpoint_failed: error_kind !== 'local' };
  if (response_code >= 200 && response_code < 300) return { kind: 'delivered' };
  if (response_code === 410) return { kind: 'gone' };
  return { kind: 'retry', endpoint_failed: isEndpointFailure(response_code) };
}
