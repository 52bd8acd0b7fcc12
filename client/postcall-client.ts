import { Client, type ConnectionLike } from '@temporalio/client';
import {
  BATCH_WORKFLOW,
  type CreateRequest,
  DEFAULT_TASK_QUEUE,
  type FailedPage,
  type FailedRequest,
  FIND_FAILED_WORKFLOW,
  isBatchId,
  RESEND_FAILED_WORKFLOW,
  type ResendFailedRequest,
  type ResendRequest,
} from '../contract/index.js';
import { BatchHandle } from './batch-handle.js';
import { type BatchStart, createStart, resendStart, startOptions } from './batch-start.js';
import { type ConnectOptions, connect } from './connect.js';
import { BatchNotFoundError, IdempotencyConflictError } from './errors/index.js';
import { findFailedOptions, resendFailedOptions } from './failed-start.js';
import { ResendFailedHandle } from './resend-failed-handle.js';
import { Temporal } from './temporal.js';
import type { BatchWorkflow, FindFailedWorkflow, ResendFailedWorkflow } from './workflow-types.js';

interface TaskQueueOption {
  /** The task queue that the workers poll. Default `postcall-webhooks`. */
  taskQueue?: string;
}

/** Either a Temporal client of your own (with its data converter and interceptors), or a connection. */
export type PostcallClientOptions = TaskQueueOption &
  ({ client: Client } | { connection: ConnectionLike; namespace?: string });

export type PostcallConnectOptions = TaskQueueOption & ConnectOptions;

/**
 * Starts batches of post-call webhooks and follows them, from any backend service. Needs Temporal alone: no store, and no worker
 * in order to accept. Make one for each process; it is safe for concurrent use.
 *
 * Its errors: `InvalidRequestError` (the request is wrong; nothing was started), and the subclasses of `PostcallError`.
 */
export class PostcallClient implements AsyncDisposable {
  readonly #temporal: Temporal;
  #owned: Client | undefined;

  constructor(options: PostcallClientOptions) {
    const client = 'client' in options ? options.client : new Client(options);
    this.#temporal = new Temporal(client, options.taskQueue ?? DEFAULT_TASK_QUEUE);
  }

  /**
   * Connects to the Temporal server that TEMPORAL_* variables or Temporal's configuration file name, `127.0.0.1:7233` otherwise.
   * Throws `ServiceUnavailableError` after five seconds. {@link close} closes the connection.
   */
  static async connect({ taskQueue, ...options }: PostcallConnectOptions = {}): Promise<PostcallClient> {
    const client = await connect(options);
    const postcall = new PostcallClient({ client, ...(taskQueue !== undefined && { taskQueue }) });
    postcall.#owned = client;
    return postcall;
  }

  /**
   * Creates a webhook for each call that has none yet and sends it, durably from the moment this resolves. The same
   * `idempotency_key` returns the first request's batch, be it running or finished, for as long as the workflow service keeps it
   * (its retention period); with other content it throws `IdempotencyConflictError`.
   *
   * Throws `InvalidRequestError`, and `ServiceUnavailableError` within five seconds. When only the service's answer was lost, the
   * batch exists all the same: an `idempotency_key` makes trying again safe.
   */
  async create(request: CreateRequest): Promise<BatchHandle> {
    return this.#start(createStart(request));
  }

  /** Sends the webhooks that these calls have once more, to the same URL and with the same bytes. Otherwise as {@link create}. */
  async resend(request: ResendRequest): Promise<BatchHandle> {
    return this.#start(resendStart(request));
  }

  /** Makes no request. Throws `BatchNotFoundError` for what cannot be a batch's ID. */
  getHandle(batchId: string): BatchHandle {
    if (!isBatchId(batchId)) throw new BatchNotFoundError(batchId);
    return new BatchHandle(this.#temporal, batchId);
  }

  /**
   * One page of the webhooks that failed for good, oldest failure first, without their payloads. A worker reads them from the
   * store. Throws `InvalidRequestError`, `ServiceUnavailableError`, `WorkerUnavailableError`.
   */
  async listFailed(request: FailedRequest): Promise<FailedPage> {
    const options = findFailedOptions(request);
    await this.#temporal.start<FindFailedWorkflow>(FIND_FAILED_WORKFLOW, options);
    return this.#temporal.resultSoon<FindFailedWorkflow>(options.workflowId);
  }

  /**
   * Sends every webhook again that failed in the window and has not been sent since, in as many batches as it takes.
   * Throws `InvalidRequestError`, `ServiceUnavailableError`.
   */
  async resendFailed(request: ResendFailedRequest): Promise<ResendFailedHandle> {
    const options = resendFailedOptions(request, new Date());
    await this.#temporal.start<ResendFailedWorkflow>(RESEND_FAILED_WORKFLOW, options);
    return new ResendFailedHandle(this.#temporal, options.workflowId);
  }

  /** Resolves when the workflow service answers. Throws `ServiceUnavailableError` within five seconds, or `ServiceRefusedError`. */
  async ping(): Promise<void> {
    await this.#temporal.ping();
  }

  /**
   * Ends waits for results and resolves when no request is under way; that takes some seconds when the workflow service is away.
   * Then closes the connection that {@link PostcallClient.connect} opened; one that was passed in stays open.
   */
  async close(): Promise<void> {
    await this.#temporal.close();
    await this.#owned?.connection.close();
    this.#owned = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(start: BatchStart): Promise<BatchHandle> {
    const handle = new BatchHandle(this.#temporal, start.input.batch_id);
    const started = await this.#temporal.start<BatchWorkflow>(BATCH_WORKFLOW, startOptions(start));
    if (!started) await this.#refuseOtherRequest(start, handle);
    return handle;
  }

  async #refuseOtherRequest({ idempotencyKey, fingerprint }: BatchStart, handle: BatchHandle): Promise<void> {
    const { memo } = await this.#temporal.describe(handle.workflowId);
    if (memo.fingerprint === fingerprint) return;
    throw new IdempotencyConflictError(idempotencyKey ?? '', handle.batchId);
  }
}
