import { isEndpointFailure } from '../contract/index.js';
import type { AttemptEnd } from './attempt-end.js';

/** What an attempt's end says by itself; the retry schedule decides the rest. */
export interface Verdict {
  /** `gone`: the endpoint is, for good: final. */
  kind: 'delivered' | 'gone' | 'retry';
  /** The endpoint as a whole failed, not this one webhook. */
  endpoint_failed: boolean;
}

/** 2xx is success, 410 is final, everything else is retried, redirects included: they are never followed. */
export function verdictOf({ response_code, error_kind }: Pick<AttemptEnd, 'response_code' | 'error_kind'>): Verdict {
  if (response_code === null) return { kind: 'retry', endpoint_failed: error_kind !== 'local' };
  return { kind: kindOf(response_code), endpoint_failed: isEndpointFailure(response_code) };
}

function kindOf(responseCode: number): Verdict['kind'] {
  if (responseCode >= 200 && responseCode < 300) return 'delivered';
  return responseCode === 410 ? 'gone' : 'retry';
}
