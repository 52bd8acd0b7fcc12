import { Client, type ConnectionLike } from '@temporalio/client';
import {
  type CreateRequest,
  DEFAULT_TASK_QUEUE,
  DELIVER_WORKFLOW,
  type FailedPage,
  type FailedRequest,
  FIND_FAILED_WORKFLOW,
  isBatchId,
  RESEND_FAILED_WORKFLOW,
  type ResendFailedRequest,
  type ResendRequest,
} from '../contract/index.js';
import { BatchHandle } from './batch-handle.js';
import { type BatchStart, createStart, resendStart, workflowStart } from './batch-start.js';
import { type ConnectOptions, connect } from './connect.js';
import { BatchNotFoundError } from './errors/index.js';
import { findFailedOptions, resendFailedOptions } from './failed-start.js';
import { GroupedStarts, type GroupingOptions } from './grouped-starts.js';
import { startOrFind } from './keyed-start.js';
import { ResendFailedHandle } from './resend-failed-handle.js';
import { Temporal } from './temporal.js';
import type { DeliverWorkflow, FindFailedWorkflow, ResendFailedWorkflow } from './workflow-types.js';

interface CommonOptions {
  /** The task queue that the workers poll. Default `postcall-webhooks`. */
  taskQueue?: string;
  /** How requests of up to ten calls without an idempotency key share workflows; false: each has one of its own. */
  grouping?: GroupingOptions | false;
  /**
   * False: workflows carry no search attributes, which name users and hosts in the clear whatever codec encrypts the rest. A server that
   * does not know them starts workflows without them all the same. Default true.
   */
  searchAttributes?: boolean;
}

/** Either a Temporal client of your own (with its data converter and interceptors), or a connection: best one made with {@link RECONNECT_ARGS}. */
export type PostcallClientOptions = CommonOptions &
  ({ client: Client } | { connection: ConnectionLike; namespace?: string });

export type PostcallConnectOptions = CommonOptions & ConnectOptions;

/**
 * Starts batches of post-call webhooks and follows them, from any backend service. Needs Temporal alone: no store, and no worker
 * in order to accept. Make one for each process; it is safe for concurrent use.
 *
 * Its errors: `InvalidRequestError` (the request is wrong; nothing was started), and the subclasses of `PostcallError`.
 */
export class PostcallClient implements AsyncDisposable {
  readonly #temporal: Temporal;
  readonly #grouped: GroupedStarts | undefined;
  readonly #starting = new Set<Promise<string>>();
  #owned: Client | undefined;

  /**
   * @example
   * ```ts
   * const connection = await Connection.connect({ address: 'temporal.internal:7233' });
   * const client = new Client({ connection, namespace: 'postcall' });
   * const postcall = new PostcallClient({ client, taskQueue: 'postcall-webhooks', grouping: false });
   * // Or, where a client has nothing of its own to bring:
   * const other = new PostcallClient({ connection, namespace: 'postcall', grouping: { interval_ms: 20, max_calls: 100 } });
   * ```
   */
  constructor(options: PostcallClientOptions) {
    const client = 'client' in options ? options.client : new Client(options);
    this.#temporal = new Temporal(client, options.taskQueue ?? DEFAULT_TASK_QUEUE, options.searchAttributes ?? true);
    if (options.grouping !== false) {
      this.#grouped = new GroupedStarts((group) => this.#startWorkflow(group), options.grouping);
    }
  }

  /**
   * Connects to the Temporal server that TEMPORAL_* variables or Temporal's configuration file name, `127.0.0.1:7233` otherwise.
   * Throws `ServiceUnavailableError` after five seconds. {@link close} closes the connection.
   *
   * @example
   * ```ts
   * const postcall = await PostcallClient.connect({
   *   address: 'temporal.internal:7233',
   *   namespace: 'postcall',
   *   payloadCodecs: [], // the workers' own
   *   searchAttributes: true,
   * });
   * await postcall.close();
   * ```
   */
  static async connect({
    taskQueue,
    grouping,
    searchAttributes,
    ...options
  }: PostcallConnectOptions = {}): Promise<PostcallClient> {
    const client = await connect(options);
    const postcall = new PostcallClient({
      client,
      ...(taskQueue !== undefined && { taskQueue }),
      ...(grouping !== undefined && { grouping }),
      ...(searchAttributes !== undefined && { searchAttributes }),
    });
    postcall.#owned = client;
    return postcall;
  }

  /**
   * Creates a webhook for each call that has none yet and sends it, durably from the moment this resolves. The same `idempotency_key`
   * returns the first request's batch, running or finished, for as long as the workflow service keeps it (its retention period). With other
   * content it throws `IdempotencyConflictError`. Where every call of that batch was rejected, the same request starts another.
   *
   * Throws `InvalidRequestError`, and `ServiceUnavailableError` within five seconds when the service is away or too many requests wait:
   * nothing was accepted. A start whose answer was lost is repeated, for thirty seconds at most. Where no answer comes, the error's
   * `mayBeAccepted` is set.
   *
   * @example
   * ```ts
   * const batch = await postcall.create({
   *   user_id: 'acme',
   *   call_ids: ['c-17', 'c-18'],
   *   webhook_url: 'https://example.com/hooks/calls',
   *   idempotency_key: 'calls-ended-17',
   *   options: { max_in_flight: 20, down_after: 5 },
   *   traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
   * });
   * console.log(batch.batchId);
   * ```
   */
  async create(request: CreateRequest): Promise<BatchHandle> {
    return this.#start(createStart(request));
  }

  /**
   * Sends the webhooks that these calls have once more, to the same URL and with the same bytes. Otherwise as {@link create}.
   *
   * @example
   * ```ts
   * const batch = await postcall.resend({ user_id: 'acme', call_ids: ['c-17'] });
   * const { delivered, rejected } = await batch.result();
   * ```
   */
  async resend(request: ResendRequest): Promise<BatchHandle> {
    return this.#start(resendStart(request));
  }

  /**
   * Makes no request. Throws `BatchNotFoundError` for what cannot be a batch's ID.
   *
   * @example
   * ```ts
   * const batch = postcall.getHandle('b_0f8fad5bd9cb469fa165708677289501.5f0b7a52');
   * console.log(batch.workflowId); // for the Temporal Web UI
   * ```
   */
  getHandle(batchId: string): BatchHandle {
    if (!isBatchId(batchId)) throw new BatchNotFoundError(batchId);
    return new BatchHandle(this.#temporal, batchId);
  }

  /**
   * One page of the webhooks that failed for good, oldest failure first, without their payloads. A worker reads them from the
   * store. Throws `InvalidRequestError`, `ServiceUnavailableError`, `WorkerUnavailableError`.
   *
   * @example
   * ```ts
   * const since = new Date(Date.now() - 24 * 3_600_000).toISOString();
   * let cursor: string | undefined;
   * do {
   *   const page = await postcall.listFailed({ user_id: 'acme', since, limit: 500, ...(cursor && { cursor }) });
   *   for (const { call_id, reason } of page.webhooks) console.log(call_id, reason);
   *   cursor = page.next_cursor ?? undefined;
   * } while (cursor);
   * ```
   */
  async listFailed(request: FailedRequest): Promise<FailedPage> {
    const options = findFailedOptions(request);
    await this.#temporal.start<FindFailedWorkflow>(FIND_FAILED_WORKFLOW, options);
    return this.#temporal.resultSoon<FindFailedWorkflow>(options);
  }

  /**
   * Sends every webhook again that failed in the window and has not been sent since, in as many batches as it takes.
   * Throws `InvalidRequestError`, `ServiceUnavailableError`.
   *
   * @example
   * ```ts
   * const resend = await postcall.resendFailed({
   *   user_id: 'acme',
   *   since: '2026-03-02T00:00:00Z',
   *   until: '2026-03-03T00:00:00Z',
   *   url: 'https://example.com/hooks/calls',
   *   options: { max_in_flight: 20, down_after: 5 },
   * });
   * const { batches } = await resend.result();
   * ```
   */
  async resendFailed(request: ResendFailedRequest): Promise<ResendFailedHandle> {
    const options = resendFailedOptions(request, new Date());
    await this.#temporal.start<ResendFailedWorkflow>(RESEND_FAILED_WORKFLOW, options);
    return new ResendFailedHandle(this.#temporal, options.workflowId);
  }

  /**
   * Resolves when the workflow service answers. Throws `ServiceUnavailableError` within five seconds, or `ServiceRefusedError`.
   *
   * @example
   * ```ts
   * await postcall.ping(); // in a readiness probe
   * ```
   */
  async ping(): Promise<void> {
    await this.#temporal.ping();
  }

  /**
   * Ends waits for results, and resolves when every request has been answered: some seconds later when the workflow service is away. Then
   * closes the connection that {@link PostcallClient.connect} opened; one that was passed in stays open.
   *
   * @example
   * ```ts
   * process.once('SIGTERM', () => void postcall.close());
   * ```
   */
  async close(): Promise<void> {
    await this.#grouped?.close();
    await Promise.allSettled(this.#starting);
    await this.#temporal.close();
    await this.#owned?.connection.close();
    this.#owned = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(start: BatchStart): Promise<BatchHandle> {
    const starting = this.#batchIdOf(start);
    this.#starting.add(starting);
    try {
      return new BatchHandle(this.#temporal, await starting);
    } finally {
      this.#starting.delete(starting);
    }
  }

  async #batchIdOf(start: BatchStart): Promise<string> {
    if (start.repeatable) return startOrFind(this.#temporal, start, start.repeatable);
    if (this.#grouped?.takes(start)) return this.#grouped.start(start);
    const [batchId = ''] = await this.#startWorkflow([start]);
    return batchId;
  }

  /** Under an ID of its own: one that exists already was made by this very start. */
  async #startWorkflow(starts: readonly BatchStart[]): Promise<string[]> {
    const { batchIds, options } = workflowStart(starts);
    await this.#temporal.start<DeliverWorkflow>(DELIVER_WORKFLOW, options);
    return batchIds;
  }
}
