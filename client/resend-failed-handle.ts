import type { ResendFailedResult } from '../contract/index.js';
import type { Temporal } from './temporal.js';
import type { ResendFailedWorkflow } from './workflow-types.js';

/** A round of sending failed webhooks again: it goes on whether or not anybody waits for it. */
export class ResendFailedHandle {
  readonly #temporal: Temporal;

  /** Use `PostcallClient.resendFailed`. */
  constructor(
    temporal: Temporal,
    readonly workflowId: string,
  ) {
    this.#temporal = temporal;
  }

  /** Waits until every batch has been started; each is then followed by its own handle. Throws `BatchFailedError`; `signal` ends the wait. */
  async result({ signal }: { signal?: AbortSignal } = {}): Promise<ResendFailedResult> {
    return this.#temporal.result<ResendFailedWorkflow>(this, signal);
  }
}
