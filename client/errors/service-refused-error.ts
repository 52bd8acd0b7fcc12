import { PostcallError } from './postcall-error.js';

export interface ServiceRefusedOptions extends ErrorOptions {
  /** The service will not take this request from any client. Default false: it will not serve this client. */
  forContent?: boolean;
}

/**
 * The workflow service answered, and will not serve this client: unknown namespace, missing permission, a server that lacks the operation.
 * Or it will not take this request (`forContent`: too large, for example). Trying again does not help before that is put right.
 */
export class ServiceRefusedError extends PostcallError {
  override readonly name = 'ServiceRefusedError';
  readonly code = 'SERVICE_REFUSED';
  readonly forContent: boolean;

  constructor(reason: string, { forContent = false, ...options }: ServiceRefusedOptions = {}) {
    super(`The workflow service refused the request: ${reason}`, options);
    this.forContent = forContent;
  }
}
