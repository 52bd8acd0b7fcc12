import { PostcallError } from './postcall-error.js';

/**
 * The workflow service (Temporal) could not be reached, or did not answer in time. Safe to try again: with an idempotency key,
 * also when the service had taken the request and only its answer was lost.
 */
export class ServiceUnavailableError extends PostcallError {
  override readonly name = 'ServiceUnavailableError';
  readonly code = 'SERVICE_UNAVAILABLE';

  constructor(reason: string, options?: ErrorOptions) {
    super(`The workflow service is unavailable: ${reason}`, options);
  }
}
