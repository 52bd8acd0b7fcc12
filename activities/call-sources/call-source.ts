export { CallUnusableError } from '../../contract/call-record.js';

/** One finished call. */
export interface Call {
  call_id: string;
  /** The owner; absent: the one that the record itself names by its `user_id`. */
  user_id?: string;
  /** Text of one JSON object is sent byte for byte; an object is serialised once, and that text is sent. */
  data: string | Record<string, unknown>;
}

/** Where calls come from. Implement it to read them from a system of your own. */
export interface CallSource {
  /**
   * Reads one call; undefined when there is none, or none yet. Throws {@link CallSourceError} when that cannot be said now: it is asked
   * again later; and {@link CallUnusableError} when this call can never be sent. `signal` is aborted when the call is not awaited any more.
   */
  getCall(callId: string, options: { signal: AbortSignal }): Promise<Call | undefined>;
}

/** The call source could not answer. Its message never holds anything of a call. */
export class CallSourceError extends Error {
  override readonly name = 'CallSourceError';
  /** Milliseconds after which the source wants to be asked again, where it said so. */
  readonly retry_after_ms: number | undefined;

  constructor(message: string, options: { retry_after_ms?: number | undefined; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.retry_after_ms = options.retry_after_ms;
  }
}
