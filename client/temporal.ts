import { setTimeout as delay } from 'node:timers/promises';
import {
  type Client,
  isGrpcDeadlineError,
  WorkflowClient,
  type WorkflowClientOptions,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type WorkflowStartOptions,
} from '@temporalio/client';
import type { QueryDefinition, SignalDefinition, Workflow, WorkflowResultType } from '@temporalio/common';
import { type BatchMemo, batchIdOf } from '../contract/index.js';
import { withDeadline } from './deadline.js';
import { type BatchFailedError, BatchNotFoundError, WorkerUnavailableError } from './errors/index.js';
import { failureOfStatus, mapError } from './map-error.js';

/** For requests that the service answers by itself: an unreachable service is reported within five seconds. */
const REQUEST_TIMEOUT_MS = 4_000;
/** For requests that a worker answers: longer than a workflow task may take while it waits for first attempts. */
const WORKER_TIMEOUT_MS = 10_000;
/** A query that takes longer makes the client ask the service whether there is a worker. */
const PATIENCE_MS = 1_000;
const CHECK_TIMEOUT_MS = 3_000;
/** `TASK_QUEUE_TYPE_WORKFLOW` of Temporal's API. */
const WORKFLOW_TASK_QUEUE = 1;

/** A batch's workflow as the service knows it without a worker. */
export interface WorkflowDescription {
  memo: BatchMemo;
  /** Why it has no result and will have none; undefined while it runs, and when it has one. */
  failure: BatchFailedError | undefined;
  started_at: string;
  finished_at: string | null;
}

type StartOptions<W extends Workflow> = Omit<WorkflowStartOptions<W>, 'taskQueue'>;

/** The workflow service as this client uses it: every request has a deadline, and every failure is one of the client's errors. */
export class Temporal {
  readonly #workflows: WorkflowClient;
  readonly #taskQueue: string;
  /** Requests that have not ended, be they given up or not. */
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  constructor(client: Pick<Client, 'workflow'>, taskQueue: string) {
    // The state of a workflow that was terminated is never its outcome: do not answer queries from it.
    const options: WorkflowClientOptions = {
      ...client.workflow.options,
      queryRejectCondition: 'NOT_COMPLETED_CLEANLY',
    };
    this.#workflows = new WorkflowClient({ ...options, connection: client.workflow.connection });
    this.#taskQueue = taskQueue;
  }

  /**
   * Ends the waits for results and resolves when no request is under way, which takes some seconds when the service is away. Only
   * then may the connection be closed: the retry of a request on a closed one throws where nobody can catch it.
   */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the client was closed'));
    await Promise.allSettled(this.#underWay);
  }

  /** Resolves when the service answers for the namespace. */
  async ping(): Promise<void> {
    const { namespace } = this.#workflows.options;
    await this.#request('', REQUEST_TIMEOUT_MS, () => this.#workflows.workflowService.describeNamespace({ namespace }));
  }

  /**
   * False when a workflow of this ID exists, be it running or finished. The conflict policy is FAIL, because with USE_EXISTING the
   * service does not tell a new workflow from an old one, and each start under an idempotency key would need a second request.
   */
  async start<W extends Workflow>(type: string, options: StartOptions<W>): Promise<boolean> {
    return this.#request(options.workflowId, REQUEST_TIMEOUT_MS, async () => {
      try {
        await this.#workflows.start<W>(type, {
          ...options,
          taskQueue: this.#taskQueue,
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          workflowIdConflictPolicy: 'FAIL',
        } as WorkflowStartOptions<W>);
        return true;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
        throw error;
      }
    });
  }

  /** Throws `BatchNotFoundError` also for a workflow that is no batch. */
  async describe(workflowId: string): Promise<WorkflowDescription> {
    const { memo, status, startTime, closeTime } = await this.#request(workflowId, REQUEST_TIMEOUT_MS, () =>
      this.#workflows.getHandle(workflowId).describe(),
    );
    if (typeof memo?.user_id !== 'string') throw new BatchNotFoundError(batchIdOf(workflowId) ?? workflowId);
    return {
      memo: memo as unknown as BatchMemo,
      failure: failureOfStatus(status.code, workflowId),
      started_at: startTime.toISOString(),
      finished_at: closeTime?.toISOString() ?? null,
    };
  }

  /** False when the workflow had finished already; throws `BatchFailedError` when it had ended without a result. */
  async signal<Args extends unknown[]>(
    workflowId: string,
    signal: SignalDefinition<Args>,
    ...args: Args
  ): Promise<boolean> {
    const delivered = await this.#request(workflowId, REQUEST_TIMEOUT_MS, async () => {
      try {
        await this.#workflows.getHandle(workflowId).signal(signal, ...args);
        return true;
      } catch (error) {
        // The service answers so for a workflow that has ended as well.
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    });
    if (delivered) return true;
    const { failure } = await this.describe(workflowId);
    if (failure) throw failure;
    return false;
  }

  /** Asks a worker. A missing service or worker is noticed soon; a busy worker has ten seconds. */
  async query<Ret, Args extends unknown[]>(
    workflowId: string,
    query: QueryDefinition<Ret, Args>,
    ...args: Args
  ): Promise<Ret> {
    const answer = this.queryWithin(WORKER_TIMEOUT_MS, workflowId, query, ...args);
    const answered = new AbortController();
    const nobodyThere = delay(PATIENCE_MS, undefined, { signal: answered.signal })
      .then(() => this.#expectWorker(workflowId))
      .then(() => answer);
    return Promise.race([answer, nobodyThere]).finally(() => answered.abort());
  }

  /** Asks a worker, for `timeoutMs` at most. */
  async queryWithin<Ret, Args extends unknown[]>(
    timeoutMs: number,
    workflowId: string,
    query: QueryDefinition<Ret, Args>,
    ...args: Args
  ): Promise<Ret> {
    return this.#askWorker(workflowId, timeoutMs, () =>
      this.#workflows.getHandle(workflowId).query<Ret, Args>(query, ...args),
    );
  }

  /** Waits for the end of a workflow, however long it takes, or until `signal` is aborted: then throws its reason. */
  async result<W extends Workflow>(workflowId: string, signal?: AbortSignal): Promise<WorkflowResultType<W>> {
    const ended = AbortSignal.any([this.#closing.signal, ...(signal ? [signal] : [])]);
    ended.throwIfAborted();
    const wait = () => this.#workflows.result<W>(workflowId);
    try {
      return await this.#mapped(workflowId, () => this.#workflows.withAbortSignal(ended, () => this.#tracked(wait)));
    } catch (error) {
      ended.throwIfAborted();
      throw error;
    }
  }

  /** Waits for the end of a workflow that takes a moment. */
  async resultSoon<W extends Workflow>(workflowId: string): Promise<WorkflowResultType<W>> {
    return this.#askWorker(workflowId, WORKER_TIMEOUT_MS, () => this.#workflows.result<W>(workflowId));
  }

  /** Throws when the service does not answer, or knows of no worker. */
  async #expectWorker(workflowId: string): Promise<void> {
    const { namespace } = this.#workflows.options;
    await this.#request(workflowId, CHECK_TIMEOUT_MS, async () => {
      const { taskQueue } = await this.#workflows.getHandle(workflowId).describe();
      const request = { namespace, taskQueue: { name: taskQueue }, taskQueueType: WORKFLOW_TASK_QUEUE };
      const { pollers } = await this.#workflows.workflowService.describeTaskQueue(request);
      if (pollers.length === 0) throw new WorkerUnavailableError(taskQueue, 'none has polled it for minutes');
    });
  }

  async #askWorker<T>(workflowId: string, timeoutMs: number, run: () => Promise<T>): Promise<T> {
    return this.#request(workflowId, timeoutMs, async () => {
      try {
        return await run();
      } catch (error) {
        if (!isGrpcDeadlineError(error)) throw error;
        throw new WorkerUnavailableError(this.#taskQueue, `no answer within ${timeoutMs} ms`, { cause: error });
      }
    });
  }

  #request<T>(workflowId: string, timeoutMs: number, run: () => Promise<T>): Promise<T> {
    return this.#mapped(workflowId, () => withDeadline(this.#workflows, timeoutMs, () => this.#tracked(run)));
  }

  #tracked<T>(run: () => Promise<T>): Promise<T> {
    const request = run();
    const end = () => this.#underWay.delete(request);
    this.#underWay.add(request);
    request.then(end, end);
    return request;
  }

  async #mapped<T>(workflowId: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw mapError(error, { workflowId, taskQueue: this.#taskQueue });
    }
  }
}
