import type { SignalDefinition } from '@temporalio/common';
import {
  type BatchAddress,
  type BatchMemo,
  type BatchResult,
  type CallOutcome,
  type DeliverResult,
  type OutcomesPage,
  outcomesQuery,
  type ProgressReport,
  progressQuery,
  workflowIdOf,
} from '../contract/index.js';
import { deliverResult, finishedResult } from './batch-result.js';
import { BatchFailedError, BatchNotFoundError, isTransient } from './errors/index.js';
import type { Temporal, WorkflowDescription } from './temporal.js';
import type { DeliverWorkflow } from './workflow-types.js';

/** Milliseconds between two looks at a batch that may end before its workflow. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const PAUSE_FACTOR = 1.5;

/** One batch within its workflow, which it may share with others. What the workflow does not hold is answered with `BatchNotFoundError`. */
export class BatchWorkflow {
  readonly workflowId: string;
  readonly #temporal: Temporal;

  constructor(
    temporal: Temporal,
    readonly batchId: string,
  ) {
    this.#temporal = temporal;
    this.workflowId = workflowIdOf(batchId);
  }

  get address(): BatchAddress {
    return { batch_id: this.batchId };
  }

  /** Another batch may have, or have had, the same workflow ID. */
  async describe(): Promise<WorkflowDescription & { batch: BatchMemo }> {
    const description = await this.#temporal.describe(this);
    const batch = description.batches.find(({ batch_id }) => batch_id === this.batchId);
    if (!batch) throw new BatchNotFoundError(this.batchId);
    return { ...description, batch };
  }

  async report(): Promise<ProgressReport> {
    return this.#held(await this.#temporal.query(this, progressQuery, this.address));
  }

  async *outcomes(): AsyncGenerator<CallOutcome, void, void> {
    for (let page = 0, pages = 1; page < pages; page += 1) {
      const query = { ...this.address, page };
      const answer: OutcomesPage = this.#held(await this.#temporal.query(this, outcomesQuery, query));
      pages = answer.pages;
      yield* answer.outcomes;
    }
  }

  /** False when the workflow has ended. */
  async order<Order>(signal: SignalDefinition<[Order?]>, order: Order): Promise<boolean> {
    const { finished_at } = await this.describe();
    return finished_at === null && (await this.#temporal.signal(this, signal, order));
  }

  /** Waits for the batch's end. */
  async result(signal: AbortSignal | undefined): Promise<BatchResult> {
    const { batches } = await this.describe();
    if (batches.length === 1) return this.#own(this.#temporal.result<DeliverWorkflow>(this, signal));
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(PAUSE_FACTOR * pause, LONGEST_PAUSE_MS)) {
      const result = await this.#resultSoFar();
      if (result) return result;
      await this.#temporal.sleep(pause, signal);
    }
  }

  /** Of a workflow that has ended; undefined when it ended without a result. */
  async resultOfEnded(): Promise<BatchResult | undefined> {
    try {
      return await this.#own(this.#temporal.resultOfEnded<DeliverWorkflow>(this));
    } catch (error) {
      if (error instanceof BatchFailedError) return undefined;
      throw error;
    }
  }

  /** Undefined while the batch goes on, and while that is unknown. */
  async #resultSoFar(): Promise<BatchResult | undefined> {
    try {
      const { finished_at } = await this.describe();
      if (finished_at !== null) return await this.#own(this.#temporal.resultOfEnded<DeliverWorkflow>(this));
      const { user_id: _, ...progress } = await this.report();
      if (progress.finished_at === null) return undefined;
      const outcomes: CallOutcome[] = [];
      for await (const outcome of this.outcomes()) outcomes.push(outcome);
      return finishedResult(progress, outcomes);
    } catch (error) {
      if (isTransient(error)) return undefined;
      throw error;
    }
  }

  async #own(result: Promise<DeliverResult>): Promise<BatchResult> {
    const { batches } = await deliverResult(result);
    return this.#held(batches.find(({ batch_id }) => batch_id === this.batchId));
  }

  #held<T>(found: T | null | undefined): T {
    if (found === null || found === undefined) throw new BatchNotFoundError(this.batchId);
    return found;
  }
}
