import type { Client, WorkflowExecutionStatusName } from '@temporalio/client';
import { BATCH_WORKFLOW, batchIdOf, batchWorkflowId } from '../contract/index.js';
import type { Store } from '../store/index.js';

const DEFAULT_INTERVAL_MS = 60_000;
/** A look goes back this far behind the one before: for attempts that were in flight then, a late index, and clocks that differ. */
const OVERLAP_MS = 10 * 60_000;
/** The first look's reach: batches end while no worker runs. */
const FIRST_REACH_MS = 7 * 24 * 3_600_000;
const BATCHES_PER_STATEMENT = 500;

/** Ends that no batch comes to by itself: a canceled one completes too. Statuses as a list's query writes them. */
const ENDED_FROM_OUTSIDE = `WorkflowType = '${BATCH_WORKFLOW}' and ExecutionStatus in ('Terminated', 'Failed', 'TimedOut')`;
/** The same, as a description names them, in words. */
const END_OF_STATUS: Partial<Record<WorkflowExecutionStatusName, string>> = {
  TERMINATED: 'terminated',
  FAILED: 'failed',
  TIMED_OUT: 'timed out',
};

export interface EndedBatchesOptions {
  client: Client;
  store: Store;
  onFailed(batchId: string, webhooks: number): void;
  /** What could not be done now; the next look does it. */
  onError(error: unknown): void;
  /** Between looks, in milliseconds. Default 60 s. */
  intervalMs?: number;
}

/**
 * Fails the webhooks that a batch left unsettled when its workflow was terminated, or ended otherwise without settling them: nobody
 * sends them any more, and as long as they seem to wait no `resend` would take them over.
 */
export class EndedBatches {
  readonly #options: EndedBatchesOptions;
  #since = Date.now() - FIRST_REACH_MS;
  #timer: NodeJS.Timeout | undefined;
  #underway: Promise<void> | undefined;
  #stopping = false;

  constructor(options: EndedBatchesOptions) {
    this.#options = options;
  }

  /** Looks at once, and from then on at intervals. */
  start(): void {
    this.#look();
    this.#timer = setInterval(() => this.#look(), this.#options.intervalMs ?? DEFAULT_INTERVAL_MS);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#timer);
    await this.#underway;
  }

  #look(): void {
    this.#underway ??= this.#failLeftBehind()
      .catch(this.#options.onError)
      .finally(() => {
        this.#underway = undefined;
      });
  }

  async #failLeftBehind(): Promise<void> {
    const startedAt = Date.now();
    const ended = await this.#endedSince(new Date(this.#since));
    for (let from = 0; from < ended.length; from += BATCHES_PER_STATEMENT) {
      const batchIds = ended.slice(from, from + BATCHES_PER_STATEMENT);
      for (const batchId of await this.#options.store.findUnsettled(batchIds)) {
        if (this.#stopping) return;
        await this.#failUnsettled(batchId);
      }
    }
    this.#since = startedAt - OVERLAP_MS;
  }

  async #endedSince(time: Date): Promise<string[]> {
    const batchIds = new Set<string>();
    const query = `${ENDED_FROM_OUTSIDE} and CloseTime > '${time.toISOString()}'`;
    for await (const { workflowId } of this.#options.client.workflow.list({ query })) {
      const batchId = batchIdOf(workflowId);
      if (batchId !== undefined) batchIds.add(batchId);
    }
    return [...batchIds];
  }

  async #failUnsettled(batchId: string): Promise<void> {
    const { client, store, onFailed } = this.#options;
    const { status } = await client.workflow.getHandle(batchWorkflowId(batchId)).describe();
    const end = END_OF_STATUS[status.name];
    // A reset ends one run and starts another one of the same ID, which runs on, or is paused.
    if (end === undefined) return;
    const reason = `the workflow of its batch ended from outside: ${end}`;
    const failed = await store.failUnsettled({ batch_id: batchId, reason });
    if (failed > 0) onFailed(batchId, failed);
  }
}
