export { BatchFailedError, type BatchFailure } from './batch-failed-error.js';
export { BatchNotFoundError } from './batch-not-found-error.js';
export { IdempotencyConflictError } from './idempotency-conflict-error.js';
export { PayloadEncodedError } from './payload-encoded-error.js';
export { PostcallError } from './postcall-error.js';
export { ServiceRefusedError } from './service-refused-error.js';
export { ServiceUnavailableError } from './service-unavailable-error.js';
export { isTransient } from './transient.js';
export { WorkerUnavailableError } from './worker-unavailable-error.js';
