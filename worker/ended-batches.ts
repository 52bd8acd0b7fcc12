import type { Client, WorkflowExecutionInfo, WorkflowExecutionStatusName } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import {
  type BatchRequest,
  DELIVER_WORKFLOW,
  type DeliverInput,
  type DeliverMemo,
  PAGE_SIZE,
} from '../contract/index.js';
import type { RegisteredBatch, Store } from '../store/index.js';

const DEFAULT_INTERVAL_MS = 60_000;
/** A look goes back this far behind the one before: for attempts that were in flight then, a late index, and clocks that differ. */
const OVERLAP_MS = 10 * 60_000;
/** The first look's reach: batches end while no worker runs. */
const FIRST_REACH_MS = 7 * 24 * 3_600_000;
const WORKFLOWS_PER_STATEMENT = 500;

/** Ends that no batch comes to by itself: a canceled one completes too. Statuses as a list's query writes them. */
const ENDED_FROM_OUTSIDE = `WorkflowType = '${DELIVER_WORKFLOW}' and ExecutionStatus in ('Terminated', 'Failed', 'TimedOut')`;
/** The same, as a description names them, in words. */
const END_OF_STATUS: Partial<Record<WorkflowExecutionStatusName, string>> = {
  TERMINATED: 'terminated',
  FAILED: 'failed',
  TIMED_OUT: 'timed out',
};

export interface EndedBatchesOptions {
  client: Client;
  store: Store;
  /** Of the workers that share this store: another queue's batches are kept elsewhere. */
  taskQueue: string;
  /** Whether the `calls` table says which calls there are. */
  calls: boolean;
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
    for (let from = 0; from < ended.length; from += WORKFLOWS_PER_STATEMENT) {
      const workflows = ended.slice(from, from + WORKFLOWS_PER_STATEMENT);
      const registered = await this.#options.store.batchesOf(workflows.map(({ workflowId }) => workflowId));
      for (const workflow of workflows) {
        if (this.#stopping) return;
        await this.#settle(workflow, registered);
      }
    }
    this.#since = startedAt - OVERLAP_MS;
  }

  /** The last run that ended, of each workflow. */
  async #endedSince(time: Date): Promise<WorkflowExecutionInfo[]> {
    const workflows = new Map<string, WorkflowExecutionInfo>();
    const { client, taskQueue } = this.#options;
    const query = `${ENDED_FROM_OUTSIDE} and TaskQueue = '${taskQueue}' and CloseTime > '${time.toISOString()}'`;
    for await (const workflow of client.workflow.list({ query })) {
      workflows.set(workflow.workflowId, workflow);
    }
    return [...workflows.values()];
  }

  async #settle({ workflowId, memo }: WorkflowExecutionInfo, registered: readonly RegisteredBatch[]): Promise<void> {
    const known = new Map(registered.map((batch) => [batch.batch_id, batch]));
    const batches = (memo as DeliverMemo | undefined)?.batches ?? [];
    const unsettled = batches.filter(({ batch_id, total }) => {
      const batch = known.get(batch_id);
      return !batch?.finished || batch.registered < total;
    });
    if (unsettled.length === 0) return;
    const { client, store, onFailed } = this.#options;
    const { status, runId } = await client.workflow.getHandle(workflowId).describe();
    const end = END_OF_STATUS[status.name];
    // A reset ends one run and starts another one of the same ID, which runs on, or is paused.
    if (end === undefined) return;
    const isWhole = unsettled.every(({ batch_id, total }) => known.get(batch_id)?.registered === total);
    if (!isWhole) await this.#register(workflowId, runId);
    for (const { batch_id } of unsettled) {
      const failed = await store.failUnsettled({
        batch_id,
        reason: `the workflow of its batch ended from outside: ${end}`,
      });
      if (failed > 0) onFailed(batch_id, failed);
    }
  }

  /** A workflow that ended before it had written down its calls: its start event names them. */
  async #register(workflowId: string, runId: string): Promise<void> {
    const { client, store, calls } = this.#options;
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const started = events?.[0]?.workflowExecutionStartedEventAttributes;
    const { loadedDataConverter } = client.options;
    const [input] = await decodeArrayFromPayloads(loadedDataConverter, started?.input?.payloads ?? []);
    const accepted_at = timestampMs(events?.[0]?.eventTime);
    for (const batch of (input as DeliverInput | undefined)?.batches ?? []) {
      for (const part of partsOf(batch)) {
        await store.registerBatches({ workflow_id: workflowId, accepted_at, calls, parts: [part] });
      }
    }
  }
}

function partsOf({ call_ids, options: _, ...base }: BatchRequest) {
  const total = call_ids.length;
  const offsets = Array.from({ length: Math.ceil(total / PAGE_SIZE) }, (_, page) => page * PAGE_SIZE);
  return offsets.map((offset) => ({ ...base, call_ids: call_ids.slice(offset, offset + PAGE_SIZE), offset, total }));
}

const timestampMs = (time: { seconds?: unknown; nanos?: number | null } | null | undefined): number =>
  Number(time?.seconds ?? 0) * 1_000 + Math.floor((time?.nanos ?? 0) / 1_000_000);
