import { PostcallError } from './postcall-error.js';

/**
 * The workflow service answers, but no worker answered in time: none polls the task queue, or all of them are busy. The batch is
 * safe: it goes on when a worker is back.
 */
export class WorkerUnavailableError extends PostcallError {
  override readonly name = 'WorkerUnavailableError';
  readonly code = 'WORKER_UNAVAILABLE';

  constructor(
    readonly taskQueue: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`No worker answers on task queue ${JSON.stringify(taskQueue)}: ${reason}`, options);
  }
}
