import { PostcallError } from './postcall-error.js';

export interface ServiceUnavailableOptions extends ErrorOptions {
  /** Whether the request may have been carried out all the same. Default false. */
  outcomeUnknown?: boolean;
}

/**
 * The workflow service (Temporal) could not be reached, did not answer in time, or has too much to do. Safe to try again. A request that
 * starts a batch was not accepted, unless `outcomeUnknown` is set: then an idempotency key makes trying again safe.
 */
export class ServiceUnavailableError extends PostcallError {
  override readonly name = 'ServiceUnavailableError';
  readonly code = 'SERVICE_UNAVAILABLE';
  readonly outcomeUnknown: boolean;

  constructor(reason: string, { outcomeUnknown = false, ...options }: ServiceUnavailableOptions = {}) {
    super(`The workflow service is unavailable: ${reason}`, options);
    this.outcomeUnknown = outcomeUnknown;
  }
}
