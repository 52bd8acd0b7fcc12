import type { Client, WorkflowExecutionStatusName } from '@temporalio/client';
import { type BatchMemo, type BatchRequest, DELIVER_WORKFLOW, PAGE_SIZE } from '../contract/index.js';
import { type Store, StoreUnavailableError } from '../store/index.js';
import { batchesOf, type EndedRun, listRuns } from './ended-runs.js';
import { readStart } from './start-event.js';

const DEFAULT_INTERVAL_MS = 60_000;
/** A look goes back this far behind the one before: for attempts that were in flight then, a late index, and clocks that differ. */
const OVERLAP_MS = 10 * 60_000;
/** The first look's reach: batches end while no worker runs. */
const FIRST_REACH_MS = 7 * 24 * 3_600_000;
const WORKFLOWS_PER_STATEMENT = 500;

/** No batch ends so by itself, but for one whose every call was rejected: a canceled one completes too. */
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
  onFailed(batchId: string, webhooks: number): void;
  /** What could not be done now; the next look does it. */
  onError(error: unknown): void;
  /** Whether the `calls` table decides which calls exist. Default false. */
  callsTable?: boolean;
  /** Between looks, in milliseconds. Default 60 s. */
  intervalMs?: number;
}

/**
 * Fails the webhooks that a batch left unsettled when its workflow was terminated, or ended otherwise without settling them. They are not
 * sent any more, and no `resend` takes over webhooks that wait. A batch that no worker has seen is registered first, so that its calls have
 * rows that can fail.
 */
export class EndedBatches {
  readonly #options: EndedBatchesOptions;
  /** Batches of ended runs that are known to be registered whole, as far back as the looks reach. */
  #registered = new Set<string>();
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
    const registered = new Set<string>();
    let failures = 0;
    for (let from = 0; from < ended.length; from += WORKFLOWS_PER_STATEMENT) {
      const runs = ended.slice(from, from + WORKFLOWS_PER_STATEMENT);
      const unfinished = await this.#unfinishedOf(runs);
      for (const run of runs) {
        if (this.#stopping) return;
        if (!(await this.#tryToSettle(run, unfinished, registered))) failures += 1;
      }
    }
    this.#registered = registered;
    if (failures === 0) this.#since = startedAt - OVERLAP_MS;
  }

  /** One run that cannot be read holds up no other; a store that is away ends the look. */
  async #tryToSettle(run: EndedRun, unfinished: ReadonlySet<string>, registered: Set<string>): Promise<boolean> {
    try {
      await this.#settleRun(run, unfinished, registered);
      return true;
    } catch (error) {
      if (error instanceof StoreUnavailableError) throw error;
      this.#options.onError(error);
      return false;
    }
  }

  #endedSince(time: Date): Promise<EndedRun[]> {
    const { client, taskQueue, onError } = this.#options;
    const query = `${ENDED_FROM_OUTSIDE} and TaskQueue = '${taskQueue}' and CloseTime > '${time.toISOString()}'`;
    return listRuns(client, query, onError);
  }

  async #unfinishedOf(runs: readonly EndedRun[]): Promise<Set<string>> {
    const workflowIds = [...new Set(runs.map(({ workflowId }) => workflowId))];
    const unfinished = await this.#options.store.findUnfinished(workflowIds);
    return new Set(unfinished.map(({ batch_id }) => batch_id));
  }

  async #settleRun(run: EndedRun, unfinished: ReadonlySet<string>, registered: Set<string>): Promise<void> {
    const open: BatchMemo[] = [];
    let isRegistered = true;
    for (const batch of run.batches) {
      if (await this.#isRegistered(batch)) registered.add(batch.batch_id);
      else isRegistered = false;
      if (unfinished.has(batch.batch_id) || !registered.has(batch.batch_id)) open.push(batch);
    }
    const end = open.length > 0 ? await this.#endOf(run, open) : undefined;
    if (end === undefined) return;
    if (!isRegistered) await this.#register(run);
    for (const { batch_id } of open) {
      registered.add(batch_id);
      await this.#fail(batch_id, `the workflow of its batch ended from outside: ${end}`);
    }
  }

  async #isRegistered({ batch_id, user_id }: BatchMemo): Promise<boolean> {
    if (this.#registered.has(batch_id)) return true;
    return (await this.#options.store.readBatch(user_id, batch_id))?.registered === true;
  }

  /**
   * How the newest run ended; undefined while it holds these batches and runs, or is paused. A reset ends one run and starts another one of
   * the same ID. One that was started anew under the ID has batches of its own.
   */
  async #endOf({ workflowId, runId }: EndedRun, open: readonly BatchMemo[]): Promise<string | undefined> {
    const { workflow } = this.#options.client;
    const newest = await workflow.getHandle(workflowId).describe();
    const held = new Set(batchesOf(newest.memo).map(({ batch_id }) => batch_id));
    if (open.some(({ batch_id }) => held.has(batch_id))) return END_OF_STATUS[newest.status.name];
    return END_OF_STATUS[(await workflow.getHandle(workflowId, runId).describe()).status.name];
  }

  /** Safe to repeat, also where a part had been registered. */
  async #register(run: EndedRun): Promise<void> {
    const { client, store, callsTable = false } = this.#options;
    const { batches, startedAt } = await readStart(client, run);
    for (const part of partsOf(batches)) {
      const registration = { workflow_id: run.workflowId, accepted_at: startedAt, parts: [part] };
      await store.registerBatches({ ...registration, calls: callsTable });
    }
  }

  async #fail(batch_id: string, reason: string): Promise<void> {
    const failed = await this.#options.store.failUnsettled({ batch_id, reason });
    if (failed > 0) this.#options.onFailed(batch_id, failed);
  }
}

/** Batches in parts of at most 500 calls. */
function* partsOf(batches: readonly BatchRequest[]) {
  for (const { call_ids, options: _, ...base } of batches) {
    for (let offset = 0; offset < call_ids.length; offset += PAGE_SIZE) {
      yield { ...base, call_ids: call_ids.slice(offset, offset + PAGE_SIZE), offset, total: call_ids.length };
    }
  }
}
