import { setTimeout as delay } from 'node:timers/promises';
import {
  type BatchResult,
  batchWorkflowId,
  type CallOutcome,
  type CallStatus,
  type Counts,
  cancelSignal,
  type OutcomesPage,
  outcomesQuery,
  type Progress,
  type ProgressReport,
  parseOrThrow,
  pauseSignal,
  progressQuery,
  resumeSignal,
  retryBodySchema,
  retryNowSignal,
} from '../contract/index.js';
import { BatchNotFoundError, isTransient } from './errors/index.js';
import { waitForFirstAttempts } from './first-attempts.js';
import { mergePages } from './merge-pages.js';
import type { Temporal } from './temporal.js';
import type { BatchWorkflow } from './workflow-types.js';

/** A page that is busy for longer is counted as it last reported itself, so that `progress` answers within about a second. */
const PAGE_PROGRESS_TIMEOUT_MS = 600;
const PAGE_OUTCOMES_TIMEOUT_MS = 5_000;

/** What the workflow service knows of a batch without asking a worker. */
export interface BatchDescription {
  batch_id: string;
  user_id: string;
  /** `failed`: its workflow was terminated, or ended otherwise without a result. */
  status: 'running' | 'finished' | 'failed';
  started_at: string;
  finished_at: string | null;
}

export interface WatchOptions {
  /** Milliseconds between two looks. Default 500. */
  interval?: number;
  /** Milliseconds for which an absent service or worker is waited for before its error is thrown. Default 30,000. */
  patience?: number;
  /** Ends the watch with an `AbortError`. */
  signal?: AbortSignal;
}

/**
 * One batch, by its ID. Cheap to make and safe to keep. Every method throws `BatchNotFoundError` when there is no such batch,
 * `BatchFailedError` when its workflow ended without a result, and `ServiceUnavailableError` when the workflow service is away;
 * `progress`, `watch` and `outcomes` also need a worker and throw `WorkerUnavailableError` without one.
 */
export class BatchHandle {
  readonly batchId: string;
  /** The batch's workflow, for the Temporal Web UI. */
  readonly workflowId: string;
  readonly #temporal: Temporal;
  /** The latest answer of each page, so that counts do not go back when a page is too busy for one. */
  readonly #pageCounts = new Map<string, Counts>();

  /** Use `PostcallClient.getHandle`. */
  constructor(temporal: Temporal, batchId: string) {
    this.#temporal = temporal;
    this.batchId = batchId;
    this.workflowId = batchWorkflowId(batchId);
  }

  /** How many calls stand where, now. Answers within about a second, also while attempts are in flight. */
  async progress(): Promise<Progress> {
    const { user_id: _owner, running_pages: _pages, ...progress } = await this.report();
    return progress;
  }

  /** {@link progress}, with the batch's owner and the pages that run as workflows of their own. */
  async report(): Promise<ProgressReport> {
    const report = await this.#temporal.query(this.workflowId, progressQuery);
    const answers = await Promise.all(report.running_pages.map(({ workflow_id }) => this.#askPage(workflow_id)));
    return mergePages(report, answers);
  }

  /** Yields the progress at once, whenever it has changed, and at the end, after which it stops. */
  async *watch({ interval = 500, patience = 30_000, signal }: WatchOptions = {}): AsyncGenerator<Progress, void, void> {
    let answeredAt = performance.now();
    let last = '';
    for (;;) {
      signal?.throwIfAborted();
      const progress = await this.progress().catch((error: unknown) => {
        if (isTransient(error) && performance.now() - answeredAt < patience) return undefined;
        throw error;
      });
      if (progress) {
        answeredAt = performance.now();
        const text = JSON.stringify(progress);
        if (text !== last) yield progress;
        if (progress.finished_at !== null) return;
        last = text;
      }
      await delay(interval, undefined, signal && { signal });
    }
  }

  /**
   * Waits for the end of the batch, however long it takes (days, when an endpoint is down); `signal` ends the wait with its reason.
   * Needs no worker once the batch has ended.
   */
  async result({ signal }: { signal?: AbortSignal } = {}): Promise<BatchResult> {
    return this.#temporal.result<BatchWorkflow>(this.workflowId, signal);
  }

  /** What became of each call so far, in the order of the request; read from the workflow a page (of 500 calls) at a time. */
  async *outcomes({ status }: { status?: CallStatus } = {}): AsyncGenerator<CallOutcome, void, void> {
    for (let page = 0, pages = 1; page < pages; page += 1) {
      const answer = await this.#outcomesPage(page);
      pages = answer.pages;
      for (const outcome of answer.outcomes) {
        if (status === undefined || outcome.status === status) yield outcome;
      }
    }
  }

  /** True as soon as no call is `pending` any more, or the batch has ended; false after `timeoutMs`, or once `signal` is aborted. */
  async firstAttempts({ timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal }): Promise<boolean> {
    return waitForFirstAttempts(this, this.#temporal, timeoutMs, signal);
  }

  /**
   * Every waiting call, or those named, tries at once; calls in flight or settled are left alone. Resolves when the order is
   * durable: to false when there is nothing to do because the batch has ended. Throws `InvalidRequestError`.
   */
  async retryNow(request: { call_ids?: string[] } = {}): Promise<boolean> {
    const { call_ids } = parseOrThrow(retryBodySchema, request);
    return this.#temporal.signal(this.workflowId, retryNowSignal, call_ids ? { call_ids } : {});
  }

  /** Attempts in flight finish; none starts until {@link resume}. Safe to repeat. False when the batch has ended. */
  async pause(): Promise<boolean> {
    return this.#temporal.signal(this.workflowId, pauseSignal);
  }

  /** Every unsettled call goes on at once. Safe to repeat. False when the batch has ended. */
  async resume(): Promise<boolean> {
    return this.#temporal.signal(this.workflowId, resumeSignal);
  }

  /** Attempts in flight finish; every other unsettled call is settled as canceled. Safe to repeat. False when the batch has ended. */
  async cancel(): Promise<boolean> {
    return this.#temporal.signal(this.workflowId, cancelSignal);
  }

  /** Whose the batch is, and whether it runs. Needs no worker; throws no `BatchFailedError`. */
  async describe(): Promise<BatchDescription> {
    const { memo, failure, started_at, finished_at } = await this.#temporal.describe(this.workflowId);
    const ended = failure ? 'failed' : 'finished';
    const status = finished_at === null ? 'running' : ended;
    return { batch_id: this.batchId, user_id: memo.user_id, status, started_at, finished_at };
  }

  async #askPage(workflowId: string): Promise<Counts | undefined> {
    const answer = await unlessSilent(this.#temporal.queryWithin(PAGE_PROGRESS_TIMEOUT_MS, workflowId, progressQuery));
    if (answer) this.#pageCounts.set(workflowId, answer);
    return this.#pageCounts.get(workflowId);
  }

  async #outcomesPage(page: number): Promise<OutcomesPage> {
    const known = await this.#temporal.query(this.workflowId, outcomesQuery, page);
    if (known.workflow_id === undefined) return known;
    const now = await unlessSilent(
      this.#temporal.queryWithin(PAGE_OUTCOMES_TIMEOUT_MS, known.workflow_id, outcomesQuery, 0),
    );
    return now ? { ...known, outcomes: now.outcomes } : known;
  }
}

/** Undefined when a page is busy, or has gone: then what its batch knows of it stands. */
async function unlessSilent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isTransient(error) || error instanceof BatchNotFoundError) return undefined;
    throw error;
  }
}
