/** One finished call. */
export interface Call {
  call_id: string;
  /** The owner; a call without one belongs to the user who asks. */
  user_id?: string;
  /** The call as its source returned it: serialised once, this is a webhook's payload. */
  data: Record<string, unknown>;
}

/** Where calls come from. Implement it to read them from a system of your own. */
export interface CallSource {
  /**
   * Reads one call; undefined when there is none. Throws {@link CallSourceError} when that cannot be said now: the
   * delivery asks again later, and no attempt of the webhook's schedule is used up.
   */
  getCall(callId: string, options?: { signal?: AbortSignal }): Promise<Call | undefined>;
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
