import { type Dispatcher, errors } from 'undici';
import type { AttemptEnd } from './attempt-end.js';
import { parseRetryAfter } from './retry-after.js';
import { AttemptTimeoutError, faultOf } from './send-error.js';
import type { TrackedClient } from './tracked-client.js';
import type { TrackedConnection } from './tracked-connection.js';

/** A longer response body is cut off. */
const MAX_RESPONSE_BYTES = 16 * 1024;

export interface UndiciHandlerOptions {
  /** Milliseconds for the attempt in all, its repetition included. */
  timeoutMs: number;
  /** Dispatches the same request to this handler again, over a connection of its own. Called once at most. */
  repeat(): void;
}

interface Response {
  status: number;
  retry_after_ms: number | null;
}

/** undici's codes for faults of the caller: none of them is the endpoint's doing. */
const CALLER_FAULTS = ['UND_ERR_INVALID_ARG', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED'];

const isCallerFault = (error: Error): boolean => 'code' in error && CALLER_FAULTS.includes(error.code as string);

type Headers = Record<string, string | string[] | undefined>;

const firstOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header;

function retryAfterOf(headers: Headers): number | null {
  const value = firstOf(headers['retry-after']);
  return value === undefined ? null : (parseRetryAfter(value, Date.now(), firstOf(headers.date)) ?? null);
}

/**
 * Takes from undici what becomes of one attempt: no stream, no AbortSignal, one timer. The timer ends the attempt by itself, since undici
 * cannot abort a request that waits for its connection. Such a request is dropped before a byte of it is sent.
 *
 * A status that has come is the attempt's end, however the body ends: the endpoint has decided.
 */
export class UndiciHandler implements Dispatcher.DispatchHandler {
  readonly end: Promise<AttemptEnd>;
  readonly #options: UndiciHandlerOptions;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #resolve!: (end: AttemptEnd) => void;
  #reject!: (error: Error) => void;
  #client: TrackedClient | undefined;
  #connection: TrackedConnection | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #repeated = false;
  #ended = false;
  #response: Response | undefined;
  #bytes = 0;

  constructor(options: UndiciHandlerOptions) {
    this.#options = options;
    this.end = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#timer = setTimeout(() => this.#giveUp(), options.timeoutMs);
  }

  onClient(client: TrackedClient): void {
    this.#client = client;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended) {
      controller.abort(new AttemptTimeoutError());
      return;
    }
    this.#connection = this.#client?.connection;
    this.#connection?.begin();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 100) controller.abort(new errors.HTTPParserError(`status code ${status}`));
    if (status < 200) return; // 1xx: the response is still to come.
    this.#response = { status, retry_after_ms: retryAfterOf(headers) };
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= MAX_RESPONSE_BYTES) return;
    const error = new Error('response body cut off');
    this.#end(error);
    controller.abort(error);
  }

  onResponseEnd(): void {
    this.#end(new Error('response without a status'));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#isStale(error)) this.#repeat();
    else this.#end(error);
  }

  /**
   * The endpoint closed the connection before it answered, as it may at any time to one that is idle (RFC 9112 section 9.5).
   * Nothing is known of the request, which may even have been handled; at-least-once allows to send it again.
   */
  #isStale(error: Error): boolean {
    const connection = this.#connection;
    if (this.#ended || this.#repeated || !connection?.reused || connection.answering) return false;
    return faultOf(error, this.#options.timeoutMs).kind === 'reset';
  }

  #repeat(): void {
    this.#repeated = true;
    this.#connection = undefined;
    this.#controller = undefined;
    this.#options.repeat();
  }

  #giveUp(): void {
    const error = new AttemptTimeoutError();
    this.#end(error);
    this.#controller?.abort(error);
  }

  /** @param error why there is no response, if none has come */
  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    if (this.#response === undefined && isCallerFault(error)) this.#reject(error);
    else this.#resolve(this.#endOf(error));
  }

  #endOf(error: Error): AttemptEnd {
    const response_time_ms = Math.round(performance.now() - this.#startedAt);
    if (this.#response !== undefined) {
      const { status, retry_after_ms } = this.#response;
      return { response_code: status, response_time_ms, error: null, error_kind: null, retry_after_ms };
    }
    const { kind, message } = faultOf(error, this.#options.timeoutMs, this.#connection?.head);
    return { response_code: null, response_time_ms, error: message, error_kind: kind, retry_after_ms: null };
  }
}
