import { PostcallError } from './postcall-error.js';

export interface ServiceUnavailableOptions extends ErrorOptions {
  /** Whether the request may have been accepted all the same. Default false. */
  mayBeAccepted?: boolean;
}

/**
 * The workflow service (Temporal) could not be reached, did not answer in time, or has too much to do. Safe to try again. A request that
 * starts a batch was not accepted, unless `mayBeAccepted` is set: then an idempotency key makes trying again safe.
 */
export class ServiceUnavailableError extends PostcallError {
  override readonly name = 'ServiceUnavailableError';
  readonly code = 'SERVICE_UNAVAILABLE';
  readonly mayBeAccepted: boolean;

  constructor(reason: string, { mayBeAccepted = false, ...options }: ServiceUnavailableOptions = {}) {
    super(`The workflow service is unavailable: ${reason}`, options);
    this.mayBeAccepted = mayBeAccepted;
  }
}
