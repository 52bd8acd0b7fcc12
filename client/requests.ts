import type { WorkflowClient } from '@temporalio/client';
import { withTimeOut } from '../contract/time-out.js';
import { isUp } from './channel-state.js';
import { type PostcallError, ServiceUnavailableError } from './errors/index.js';
import { mapError, type RequestContext } from './map-error.js';

/**
 * Milliseconds after which a request's connection gives it up. Longer than any wait for an answer: a request that is cut off in the middle
 * leaves the development server's database unusable, so an abandoned one ends by itself. Longer, too, than an embedded server that does not
 * answer is left alone (10 s).
 */
const CONNECTION_TIMEOUT_MS = 15_000;
/** Abandoned requests that still go on. With so many of them, new ones are refused at once. */
const MAX_ABANDONED = 500;
/** A connection that has answered so lately is taken to work. */
const FRESH_MS = 1_000;
const PING_TIMEOUT_MS = 4_000;

export type Target = Omit<RequestContext, 'taskQueue'>;

export interface Limits {
  /** For how long the answer is waited for. */
  timeoutMs: number;
  /** After which the connection gives the request up. Default 15,000, and never before the wait for it ends. */
  connectionTimeoutMs?: number;
  /** Thrown when the answer is late. Default `ServiceUnavailableError`. */
  late?: (timeoutMs: number) => PostcallError;
}

const noAnswer = (timeoutMs: number) => new ServiceUnavailableError(`no answer within ${timeoutMs} ms`);

/** Requests to the workflow service: each has a time limit, and every failure is one of the client's errors. */
export class Requests {
  readonly #workflows: WorkflowClient;
  readonly #taskQueue: string;
  readonly #underWay = new Set<Promise<unknown>>();
  #abandoned = 0;
  #isClosed = false;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #ping: Promise<void> | undefined;

  constructor(workflows: WorkflowClient, taskQueue: string) {
    this.#workflows = workflows;
    this.#taskQueue = taskQueue;
  }

  /** Waits for the answer as long as `limits` says. */
  async run<T>(target: Target, limits: Limits, send: () => Promise<T>): Promise<T> {
    const { timeoutMs, connectionTimeoutMs = Math.max(timeoutMs, CONNECTION_TIMEOUT_MS), late = noAnswer } = limits;
    if (this.#isClosed) throw new Error('the client was closed');
    if (this.#abandoned >= MAX_ABANDONED) {
      throw new ServiceUnavailableError(`${this.#abandoned} requests have not been answered`);
    }
    const request = this.#send(send, connectionTimeoutMs);
    const reason = () => {
      this.#abandon(request);
      return late(timeoutMs);
    };
    try {
      return await withTimeOut(timeoutMs, () => request, { reason });
    } catch (error) {
      throw mapError(error, { ...target, taskQueue: this.#taskQueue });
    }
  }

  /**
   * Resolves when the connection works; asks for an answer only where none has come within the last second. So nothing is sent to a
   * service that is away, and it is known that it has not taken the request.
   */
  async expectAnswer(): Promise<void> {
    if (performance.now() - this.#answeredAt < FRESH_MS && isUp(this.#workflows.connection)) return;
    this.#ping ??= this.#pingOnce();
    await this.#ping;
  }

  /**
   * Sends nothing more, and resolves when no request is under way. Only then may the connection be closed: a retry on a closed one throws
   * where it cannot be caught.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#underWay);
  }

  #abandon(request: Promise<unknown>): void {
    const ended = () => {
      this.#abandoned -= 1;
    };
    this.#abandoned += 1;
    request.then(ended, ended);
  }

  async #pingOnce(): Promise<void> {
    try {
      await this.run({ workflowId: '' }, { timeoutMs: PING_TIMEOUT_MS }, () =>
        this.#workflows.workflowService.getSystemInfo({}),
      );
    } finally {
      this.#ping = undefined;
    }
  }

  async #send<T>(send: () => Promise<T>, timeoutMs: number): Promise<T> {
    const request = this.#workflows.withDeadline(Date.now() + timeoutMs, send);
    this.#underWay.add(request);
    try {
      const answer = await request;
      this.#answeredAt = performance.now();
      return answer;
    } finally {
      this.#underWay.delete(request);
    }
  }
}
