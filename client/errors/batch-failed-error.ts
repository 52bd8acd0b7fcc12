import { PostcallError } from './postcall-error.js';

/** How a batch's workflow can end without a result. */
export type BatchFailure = 'failed' | 'terminated' | 'timed_out' | 'canceled';

const PHRASES: Record<BatchFailure, string> = {
  failed: 'failed',
  terminated: 'was terminated',
  timed_out: 'timed out',
  canceled: 'was canceled before it could settle its calls',
};

/**
 * The batch's workflow ended without a result: somebody terminated it, or it failed. Where each webhook stands is in the store. A batch
 * whose calls failed has not failed: it completes, with counts.
 */
export class BatchFailedError extends PostcallError {
  override readonly name = 'BatchFailedError';
  readonly code = 'BATCH_FAILED';

  constructor(
    readonly workflowId: string,
    readonly failure: BatchFailure,
    reason?: string,
    options?: ErrorOptions,
  ) {
    super(`Workflow ${workflowId} ${PHRASES[failure]}${reason ? `: ${reason}` : ''}`, options);
  }
}
