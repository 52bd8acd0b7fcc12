import type { ResendFailedResult } from '../contract/index.js';
import type { Temporal } from './temporal.js';
import type { ResendFailedWorkflow } from './workflow-types.js';

/** Failed webhooks are sent again: that goes on whether or not its result is waited for. */
export class ResendFailedHandle {
  readonly #temporal: Temporal;

  /** Use `PostcallClient.resendFailed`. */
  constructor(
    temporal: Temporal,
    readonly workflowId: string,
  ) {
    this.#temporal = temporal;
  }

  /**
   * Waits until every batch has been started; each is then followed by its own handle. Throws `BatchFailedError`; `signal` ends the wait.
   *
   * @example
   * ```ts
   * const resend = await postcall.resendFailed({ user_id: 'acme', since: '2026-03-02T00:00:00Z' });
   * const { batches } = await resend.result({ signal: AbortSignal.timeout(60_000) });
   * for (const batch_id of batches) await postcall.getHandle(batch_id).result();
   * ```
   */
  async result({ signal }: { signal?: AbortSignal } = {}): Promise<ResendFailedResult> {
    return this.#temporal.result<ResendFailedWorkflow>(this, signal);
  }
}
