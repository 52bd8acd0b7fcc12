import { setTimeout as delay } from 'node:timers/promises';
import {
  type Client,
  isGrpcDeadlineError,
  QueryRejectedError,
  WorkflowClient,
  type WorkflowClientOptions,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type WorkflowStartOptions,
} from '@temporalio/client';
import type {
  QueryDefinition,
  SearchAttributePair,
  SignalDefinition,
  Workflow,
  WorkflowResultType,
} from '@temporalio/common';
import proto from '@temporalio/proto';
import type { BatchMemo } from '../contract/index.js';
import { withTimeOut } from '../contract/time-out.js';
import { type BatchFailedError, ServiceUnavailableError, WorkerUnavailableError } from './errors/index.js';
import { failureOfStatus } from './map-error.js';
import { patiently } from './patiently.js';
import { Requests, type Target } from './requests.js';
import { SearchAttributeUse } from './search-attributes.js';
import { Waits } from './waits.js';

/** For requests that the service answers by itself: an unreachable service is reported within five seconds. */
const REQUEST = { timeoutMs: 4_000 };
/** For requests that a worker answers. */
const WORKER_TIMEOUT_MS = 10_000;
/** A query that takes longer makes the client ask the service whether there is a worker. */
const PATIENCE_WITH_WORKER_MS = 1_000;
const CHECK = { timeoutMs: 3_000 };
/** Of one long poll, which the service ends by itself: a second before at the latest, an embedded one after four. */
const POLL = { timeoutMs: 10_000, connectionTimeoutMs: 10_000 };
/** For this long a start whose answer was lost is repeated, and waits for results bear a service that is away. */
const PATIENCE_WITH_SERVICE_MS = 30_000;
const { EventType, HistoryEventFilterType, TaskQueueType, WorkflowExecutionStatus } = proto.temporal.api.enums.v1;

/** A workflow as the service knows it without a worker. */
export interface WorkflowDescription {
  /** Empty for a workflow that delivers nothing. */
  batches: BatchMemo[];
  /** Why it has no result and will have none; undefined while it runs, and when it has one. */
  failure: BatchFailedError | undefined;
  started_at: string;
  finished_at: string | null;
}

/** `attributes` are carried where the server takes them; a workflow that keeps them up is told so in its input. */
type StartOptions<W extends Workflow> = Omit<WorkflowStartOptions<W>, 'taskQueue' | 'typedSearchAttributes'> & {
  attributes?: SearchAttributePair[];
};
/** `ALLOW_DUPLICATE_FAILED_ONLY`: also where the last workflow of the ID ended without a result. */
export type ReusePolicy = 'REJECT_DUPLICATE' | 'ALLOW_DUPLICATE_FAILED_ONLY';

const clientWith = (
  { workflow: { options, connection } }: Pick<Client, 'workflow'>,
  queryRejectCondition: NonNullable<WorkflowClientOptions['queryRejectCondition']>,
): WorkflowClient => new WorkflowClient({ ...options, connection, queryRejectCondition });

/** The workflow service as this client uses it: every request has a time limit, and every failure is one of the client's errors. */
export class Temporal {
  readonly #workflows: WorkflowClient;
  /** Queries workflows that have ended, in any way. */
  readonly #unselective: WorkflowClient;
  readonly #taskQueue: string;
  readonly #requests: Requests;
  readonly #waits = new Waits();
  readonly #attributes: SearchAttributeUse;

  constructor(client: Pick<Client, 'workflow'>, taskQueue: string, searchAttributes: boolean) {
    this.#attributes = new SearchAttributeUse(searchAttributes);
    // The state of a workflow that was terminated is never its result: do not answer queries from it.
    this.#workflows = clientWith(client, 'NOT_COMPLETED_CLEANLY');
    this.#unselective = clientWith(client, 'NONE');
    this.#requests = new Requests(this.#workflows, taskQueue);
    this.#taskQueue = taskQueue;
  }

  /** Ends the waits for results, and resolves when no request is under way: after some seconds when the service is away. */
  async close(): Promise<void> {
    this.#waits.end(new Error('the client was closed'));
    await this.#requests.close();
  }

  /** Resolves when the service answers for the namespace. */
  async ping(): Promise<void> {
    const { namespace } = this.#workflows.options;
    const send = () => this.#workflows.workflowService.describeNamespace({ namespace });
    await this.#requests.run({ workflowId: '' }, REQUEST, send);
  }

  /**
   * False when a workflow of this ID exists already, also when this very start made it and its answer was lost. Nothing was started when
   * it throws, but for a `ServiceUnavailableError` with `mayBeAccepted`, after thirty seconds. The conflict policy is FAIL: with
   * USE_EXISTING the service does not tell a new workflow from an old one.
   */
  async start<W extends Workflow>(
    type: string,
    options: StartOptions<W>,
    workflowIdReusePolicy: ReusePolicy = 'REJECT_DUPLICATE',
  ): Promise<boolean> {
    const all = {
      ...options,
      taskQueue: this.#taskQueue,
      workflowIdReusePolicy,
      workflowIdConflictPolicy: 'FAIL',
    };
    return this.#attributes.start(all, (carried) =>
      this.#untilKnown(options, () => this.#start<W>(type, carried as WorkflowStartOptions<W>)),
    );
  }

  /** Repeats a request whose answer was lost. Sends nothing to a service that is away: it is known then that it did not take the request. */
  async #untilKnown<T>(target: Target, send: () => Promise<T>): Promise<T> {
    await this.#requests.expectAnswer();
    try {
      return await patiently(PATIENCE_WITH_SERVICE_MS, (timeoutMs) => this.#requests.run(target, { timeoutMs }, send));
    } catch (error) {
      if (!(error instanceof ServiceUnavailableError)) throw error;
      const reason = 'it is not known whether the request was accepted';
      throw new ServiceUnavailableError(reason, { cause: error, mayBeAccepted: true });
    }
  }

  async describe(target: Target): Promise<WorkflowDescription> {
    const { memo, status, startTime, closeTime } = await this.#requests.run(target, REQUEST, () =>
      this.#workflows.getHandle(target.workflowId).describe(),
    );
    return {
      batches: Array.isArray(memo?.batches) ? (memo.batches as BatchMemo[]) : [],
      failure: failureOfStatus(status.code, target.workflowId),
      started_at: startTime.toISOString(),
      finished_at: closeTime?.toISOString() ?? null,
    };
  }

  /**
   * False when the workflow had ended already. The signal must be safe to repeat: one whose answer was lost is, for thirty seconds at
   * most. Nothing was signaled when it throws, but for a `ServiceUnavailableError` with `mayBeAccepted`.
   */
  async signal<Args extends unknown[]>(
    target: Target,
    signal: SignalDefinition<Args>,
    ...args: Args
  ): Promise<boolean> {
    return this.#untilKnown(target, async () => {
      try {
        await this.#workflows.getHandle(target.workflowId).signal(signal, ...args);
        return true;
      } catch (error) {
        // The service answers so for a workflow that has ended as well.
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    });
  }

  /** Asks a worker. A missing service or worker is noticed soon; a busy worker has ten seconds. */
  async query<Ret, Args extends unknown[]>(
    target: Target,
    query: QueryDefinition<Ret, Args>,
    ...args: Args
  ): Promise<Ret> {
    const answer = this.#askWorker(target, () => this.#query(target.workflowId, query, args));
    const answered = new AbortController();
    const nobodyThere = delay(PATIENCE_WITH_WORKER_MS, undefined, { signal: answered.signal })
      .then(() => this.#expectWorker(target))
      .then(() => answer);
    return Promise.race([answer, nobodyThere]).finally(() => answered.abort());
  }

  /** Waits for the end of a workflow, however long it takes, or until `signal` is aborted: then throws its reason. */
  async result<W extends Workflow>(target: Target, signal?: AbortSignal): Promise<WorkflowResultType<W>> {
    const look = () => this.#hasEnded(target);
    while (!(await this.waitFor(patiently(PATIENCE_WITH_SERVICE_MS, look), signal)));
    return this.waitFor(this.resultOfEnded<W>(target), signal);
  }

  /** Of a workflow that has ended. */
  async resultOfEnded<W extends Workflow>(target: Target): Promise<WorkflowResultType<W>> {
    return this.#requests.run(target, REQUEST, () => this.#workflows.result<W>(target.workflowId));
  }

  /** Waits for the end of a workflow that takes a moment. */
  async resultSoon<W extends Workflow>(target: Target): Promise<WorkflowResultType<W>> {
    return withTimeOut(WORKER_TIMEOUT_MS, (signal) => this.result<W>(target, signal), {
      reason: () => this.#noAnswer(),
    });
  }

  /** As `work`, unless `signal` is aborted, or the client closed, before: then throws the reason. */
  waitFor<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#waits.for(work, signal);
  }

  /** Between two looks; throws when `signal` is aborted or the client is closed. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return this.#waits.sleep(milliseconds, signal);
  }

  /** A long poll for some seconds. */
  async #hasEnded(target: Target): Promise<boolean> {
    const request = {
      namespace: this.#workflows.options.namespace,
      execution: { workflowId: target.workflowId },
      waitNewEvent: true,
      historyEventFilterType: HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
    };
    const poll = () => this.#workflows.workflowService.getWorkflowExecutionHistory(request);
    const { history } = await this.#requests.run(target, POLL, poll);
    return (history?.events ?? []).some(
      ({ eventType }) => eventType !== EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
    );
  }

  async #start<W extends Workflow>(type: string, options: WorkflowStartOptions<W>): Promise<boolean> {
    try {
      await this.#workflows.start<W>(type, options);
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw error;
    }
  }

  /** A batch whose every call was rejected fails, and its state holds all the same: it is asked. */
  async #query<Ret, Args extends unknown[]>(id: string, query: QueryDefinition<Ret, Args>, args: Args): Promise<Ret> {
    try {
      return await this.#workflows.getHandle(id).query<Ret, Args>(query, ...args);
    } catch (error) {
      if (
        !(error instanceof QueryRejectedError) ||
        error.status !== WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED
      )
        throw error;
      return this.#unselective.getHandle(id).query<Ret, Args>(query, ...args);
    }
  }

  /** Throws when the service does not answer, or knows of no worker. */
  async #expectWorker(target: Target): Promise<void> {
    const { namespace } = this.#workflows.options;
    await this.#requests.run(target, CHECK, async () => {
      const { taskQueue } = await this.#workflows.getHandle(target.workflowId).describe();
      const request = {
        namespace,
        taskQueue: { name: taskQueue },
        taskQueueType: TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
      };
      const { pollers } = await this.#workflows.workflowService.describeTaskQueue(request);
      if (pollers.length === 0) throw new WorkerUnavailableError(taskQueue, 'none has polled it for minutes');
    });
  }

  async #askWorker<T>(target: Target, ask: () => Promise<T>): Promise<T> {
    return this.#requests.run(target, { timeoutMs: WORKER_TIMEOUT_MS, late: () => this.#noAnswer() }, async () => {
      try {
        return await ask();
      } catch (error) {
        if (!isGrpcDeadlineError(error)) throw error;
        throw this.#noAnswer(error);
      }
    });
  }

  #noAnswer(cause?: Error): WorkerUnavailableError {
    return new WorkerUnavailableError(this.#taskQueue, `no answer within ${WORKER_TIMEOUT_MS} ms`, { cause });
  }
}
