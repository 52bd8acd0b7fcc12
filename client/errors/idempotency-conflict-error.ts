import { PostcallError } from './postcall-error.js';

/** The idempotency key was used before for a request with other content. Nothing was started. */
export class IdempotencyConflictError extends PostcallError {
  override readonly name = 'IdempotencyConflictError';
  readonly code = 'IDEMPOTENCY_CONFLICT';

  constructor(
    readonly idempotencyKey: string,
    /** The batch that the first request with this key started. */
    readonly batchId: string,
  ) {
    super(
      `idempotency_key ${JSON.stringify(idempotencyKey)} was used for a different request (batch ${batchId}); use a new key`,
    );
  }
}
