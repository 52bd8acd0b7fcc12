import {
  type BatchResult,
  type CallOutcome,
  type CallStatus,
  cancelSignal,
  InvalidRequestError,
  MAX_ORDER_BYTES,
  type Progress,
  type ProgressReport,
  parseOrThrow,
  pauseSignal,
  resumeSignal,
  retryBodySchema,
  retryNowSignal,
} from '../contract/index.js';
import { withTimeOut } from '../contract/time-out.js';
import { BatchWorkflow } from './batch-workflow.js';
import { isTransient } from './errors/index.js';
import type { Temporal } from './temporal.js';

/** Milliseconds between two looks of a wait for first attempts. */
const FIRST_ATTEMPTS_INTERVAL_MS = 100;

/** What the workflow service knows of a batch without asking a worker. */
export interface BatchDescription {
  batch_id: string;
  user_id: string;
  /** Its calls. */
  total: number;
  /**
   * Of its workflow, which it may share with other small batches, and end before it. `failed`: the workflow was terminated, or ended
   * otherwise without a result.
   */
  status: 'running' | 'finished' | 'failed';
  started_at: string;
  finished_at: string | null;
}

export interface WatchOptions {
  /** Milliseconds between two looks. Default 500. */
  interval?: number;
  /** Milliseconds for which an absent service or worker is waited for before its error is thrown. Default 30,000. */
  patience?: number;
  /** Ends the watch with its reason. */
  signal?: AbortSignal;
}

/**
 * One batch, by its ID. Cheap to make and safe to keep. Every method throws `BatchNotFoundError` when there is no such batch, and
 * `ServiceUnavailableError` when the workflow service is away. `progress`, `watch` and `outcomes` also need a worker and throw
 * `WorkerUnavailableError` without one; they and `result` throw `BatchFailedError` when the workflow ended without a result.
 */
export class BatchHandle {
  readonly batchId: string;
  /** The batch's workflow, for the Temporal Web UI. Small batches share one. */
  readonly workflowId: string;
  readonly #temporal: Temporal;
  readonly #workflow: BatchWorkflow;

  /** Use `PostcallClient.getHandle`. */
  constructor(temporal: Temporal, batchId: string) {
    this.#temporal = temporal;
    this.#workflow = new BatchWorkflow(temporal, batchId);
    this.batchId = batchId;
    this.workflowId = this.#workflow.workflowId;
  }

  /**
   * How many calls stand where, now.
   *
   * @example
   * ```ts
   * const { total, delivered, retrying, endpoints } = await batch.progress();
   * ```
   */
  async progress(): Promise<Progress> {
    const { user_id: _, ...progress } = await this.report();
    return progress;
  }

  /**
   * {@link progress}, with the batch's owner.
   *
   * @example
   * ```ts
   * const { user_id, status } = await batch.report();
   * ```
   */
  async report(): Promise<ProgressReport> {
    return this.#workflow.report();
  }

  /**
   * Yields the progress at once, whenever it has changed, and at the end, after which it stops.
   *
   * @example
   * ```ts
   * const options = { interval: 1_000, patience: 60_000, signal: AbortSignal.timeout(600_000) };
   * for await (const { delivered, total } of batch.watch(options)) console.log(`${delivered} of ${total}`);
   * ```
   */
  async *watch({ interval = 500, patience = 30_000, signal }: WatchOptions = {}): AsyncGenerator<Progress, void, void> {
    let answeredAt = performance.now();
    let last = '';
    for (;;) {
      signal?.throwIfAborted();
      const bearable = performance.now() - answeredAt < patience;
      const progress = await unlessAway(this.#temporal.waitFor(this.progress(), signal), bearable);
      if (progress) {
        answeredAt = performance.now();
        const text = JSON.stringify(progress);
        if (text !== last) yield progress;
        if (progress.finished_at !== null) return;
        last = text;
      }
      await this.#temporal.sleep(interval, signal);
    }
  }

  /**
   * Waits for the end of the batch, however long it takes (days, when an endpoint is down); `signal` ends the wait with its reason.
   * Needs no worker once the workflow has ended. A batch that shares its workflow is looked at every half a second to ten seconds.
   *
   * @example
   * ```ts
   * const { delivered, failed, errors } = await batch.result({ signal: AbortSignal.timeout(3_600_000) });
   * for (const { call_id, message } of errors) console.log(call_id, message);
   * ```
   */
  async result({ signal }: { signal?: AbortSignal } = {}): Promise<BatchResult> {
    return this.#workflow.result(signal);
  }

  /**
   * What became of each call so far, in the order of the request; read from the workflow a page (of 500 calls) at a time.
   *
   * @example
   * ```ts
   * for await (const { call_id, error } of batch.outcomes({ status: 'rejected' })) console.log(call_id, error?.message);
   * ```
   */
  async *outcomes({ status }: { status?: CallStatus } = {}): AsyncGenerator<CallOutcome, void, void> {
    for await (const outcome of this.#workflow.outcomes()) {
      if (status === undefined || outcome.status === status) yield outcome;
    }
  }

  /**
   * True as soon as no call is `pending` any more; false after `timeoutMs`, also without the service or a worker.
   *
   * @example
   * ```ts
   * const everyCallWasTried = await batch.firstAttempts({ timeoutMs: 30_000 });
   * ```
   */
  async firstAttempts({ timeoutMs }: { timeoutMs: number }): Promise<boolean> {
    const late = new Error('the time is up');
    const look = async (signal: AbortSignal) => {
      const looks = { interval: FIRST_ATTEMPTS_INTERVAL_MS, patience: timeoutMs, signal };
      for await (const { pending } of this.watch(looks)) if (pending === 0) return;
    };
    try {
      await withTimeOut(timeoutMs, look, { reason: () => late });
      return true;
    } catch (error) {
      if (error === late) return false;
      throw error;
    }
  }

  /**
   * Every waiting call, or those named (at most 1,000, and 64 kB), tries at once; calls in flight or settled are left alone. Resolves
   * when the order is durable: to false when there is nothing to do because the workflow has ended. Throws `InvalidRequestError`.
   *
   * @example
   * ```ts
   * await batch.retryNow(); // every waiting call
   * await batch.retryNow({ call_ids: ['c-17'] });
   * ```
   */
  async retryNow(request: { call_ids?: string[] } = {}): Promise<boolean> {
    const { call_ids } = parseOrThrow(retryBodySchema, request);
    if (call_ids) refuseLargeOrder(call_ids);
    return this.#workflow.order(retryNowSignal, { ...this.#workflow.address, ...(call_ids && { call_ids }) });
  }

  /**
   * Attempts in flight finish; none starts until {@link resume}. Safe to repeat. False when the workflow has ended.
   *
   * @example
   * ```ts
   * await batch.pause();
   * ```
   */
  async pause(): Promise<boolean> {
    return this.#workflow.order(pauseSignal, this.#workflow.address);
  }

  /**
   * Every unsettled call goes on at once. Safe to repeat. False when the workflow has ended.
   *
   * @example
   * ```ts
   * const goesOn = await batch.resume();
   * ```
   */
  async resume(): Promise<boolean> {
    return this.#workflow.order(resumeSignal, this.#workflow.address);
  }

  /**
   * Attempts in flight finish; every other unsettled call is settled as canceled. Safe to repeat. False when the workflow has ended.
   *
   * @example
   * ```ts
   * await batch.cancel();
   * const { canceled } = await batch.result();
   * ```
   */
  async cancel(): Promise<boolean> {
    return this.#workflow.order(cancelSignal, this.#workflow.address);
  }

  /**
   * Whose the batch is, and whether its workflow runs. Needs no worker; throws no `BatchFailedError`.
   *
   * @example
   * ```ts
   * const { user_id, status } = await batch.describe();
   * ```
   */
  async describe(): Promise<BatchDescription> {
    const { batch, failure, started_at, finished_at } = await this.#workflow.describe();
    const { batch_id, user_id, total } = batch;
    const about = { batch_id, user_id, total, started_at, finished_at };
    if (finished_at === null) return { ...about, status: 'running' };
    if (!failure) return { ...about, status: 'finished' };
    const result = failure.failure === 'failed' ? await this.#workflow.resultOfEnded() : undefined;
    return { ...about, status: result ? 'finished' : 'failed' };
  }
}

/** Undefined while the service or the worker is away, as long as that is bearable. */
async function unlessAway<T>(answer: Promise<T>, bearable: boolean): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (bearable && isTransient(error)) return undefined;
    throw error;
  }
}

function refuseLargeOrder(callIds: readonly string[]): void {
  const bytes = Buffer.byteLength(JSON.stringify(callIds));
  if (bytes <= MAX_ORDER_BYTES) return;
  const message = `call_ids makes an order of ${bytes} bytes, more than ${MAX_ORDER_BYTES}; name the rest in another one`;
  throw new InvalidRequestError([{ field: 'call_ids', message }]);
}
