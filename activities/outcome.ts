import { isEndpointFailure } from '../contract/index.js';
import type { SendErrorKind } from './send-error.js';

/** What an attempt brought: a whole response, or the reason why none came. */
export interface AttemptEnd {
  response_code: number | null;
  /** Null when there is a response code. */
  error_kind: SendErrorKind | null;
}

/** What an attempt's end means for its webhook. */
export type Outcome =
  | { kind: 'delivered' }
  /** The endpoint is gone for good: final. */
  | { kind: 'gone' }
  /** `endpoint_failed`: the endpoint as a whole failed, not this one webhook. */
  | { kind: 'retry'; endpoint_failed: boolean };

/** 2xx is success, 410 is final, everything else is retried, redirects included: they are never followed. */
export function outcomeOf({ response_code, error_kind }: AttemptEnd): Outcome {
  if (response_code === null) return { kind: 'retry', endpoint_failed: error_kind !== 'local' };
  if (response_code >= 200 && response_code < 300) return { kind: 'delivered' };
  if (response_code === 410) return { kind: 'gone' };
  return { kind: 'retry', endpoint_failed: isEndpointFailure(response_code) };
}
