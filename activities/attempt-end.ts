import type { SendErrorKind } from './send-error.js';

/** How an attempt ended: with a response, or with the reason why none came. */
export interface AttemptEnd {
  response_code: number | null;
  /** Null when there is a response code. */
  error_kind: SendErrorKind | null;
  /** Whole milliseconds until the response had ended or was cut off, or until the attempt ended without one. */
  response_time_ms: number;
  /** Why there is no response code: one line, under 200 characters. */
  error: string | null;
  /** Milliseconds that the response's `retry-after` asks to wait; null when it has none that is well-formed. */
  retry_after_ms: number | null;
}
