import type { Dispatcher } from 'undici';
import type { AttemptEnd } from './outcome.js';
import { AttemptTimeoutError, faultOf } from './send-error.js';

/** A longer response body is cut off; the status counts all the same. */
export const MAX_RESPONSE_BYTES = 16 * 1024;

/** How an attempt ended. */
export interface SendOutcome extends AttemptEnd {
  /** Whole milliseconds until the response had come, or until the attempt ended without one. */
  response_time_ms: number;
  /** Why there is no response code: one line, under 200 characters. */
  error: string | null;
  /** The response's raw `retry-after` header. */
  retry_after: string | null;
}

/** undici's codes for faults of the caller: none of them is the endpoint's doing. */
const CALLER_FAULTS = ['UND_ERR_INVALID_ARG', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED'];

const isCallerFault = (error: Error): boolean => 'code' in error && CALLER_FAULTS.includes(error.code as string);

/**
 * One attempt as undici's handler: no stream, no AbortSignal, one timer. The timer settles the attempt by itself, since undici
 * cannot abort a request that still waits for its connection; such a request is dropped before a byte of it is sent.
 */
export class AttemptHandler implements Dispatcher.DispatchHandler {
  readonly outcome: Promise<SendOutcome>;
  readonly #timeoutMs: number;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #resolve!: (outcome: SendOutcome) => void;
  #reject!: (error: Error) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #settled = false;
  #status: number | undefined;
  #retryAfter: string | null = null;
  #bytes = 0;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#timer = setTimeout(() => this.#giveUp(), timeoutMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new AttemptTimeoutError());
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return; // 1xx: the response is still to come.
    this.#status = status;
    const retryAfter = headers['retry-after'];
    this.#retryAfter = (Array.isArray(retryAfter) ? retryAfter[0] : retryAfter) ?? null;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= MAX_RESPONSE_BYTES) return;
    this.#respond();
    controller.abort(new Error('response body cut off'));
  }

  onResponseEnd(): void {
    this.#respond();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  #giveUp(): void {
    const error = new AttemptTimeoutError();
    this.#fail(error);
    this.#controller?.abort(error);
  }

  #respond(): void {
    this.#settle({
      response_code: this.#status ?? null,
      error: null,
      error_kind: null,
      retry_after: this.#retryAfter,
    });
  }

  #fail(error: Error): void {
    if (this.#settled) return;
    if (isCallerFault(error)) {
      this.#settled = true;
      clearTimeout(this.#timer);
      this.#reject(error);
      return;
    }
    const { kind, message } = faultOf(error, this.#timeoutMs, this.#status);
    this.#settle({ response_code: null, error: message, error_kind: kind, retry_after: null });
  }

  #settle(end: Omit<SendOutcome, 'response_time_ms'>): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#resolve({ ...end, response_time_ms: Math.round(performance.now() - this.#startedAt) });
  }
}
