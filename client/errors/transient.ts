import { ServiceUnavailableError } from './service-unavailable-error.js';
import { WorkerUnavailableError } from './worker-unavailable-error.js';

/** True when the same request may succeed a little later. */
export const isTransient = (error: unknown): boolean =>
  error instanceof ServiceUnavailableError || error instanceof WorkerUnavailableError;
