import { PostcallError } from './postcall-error.js';

/**
 * The workflow service answered and will not serve this client: unknown namespace, missing permission, a server that lacks
 * the operation. Trying again does not help before the configuration is put right.
 */
export class ServiceRefusedError extends PostcallError {
  override readonly name = 'ServiceRefusedError';
  readonly code = 'SERVICE_REFUSED';

  constructor(reason: string, options?: ErrorOptions) {
    super(`The workflow service refused the request: ${reason}`, options);
  }
}
