import { PostcallError } from './postcall-error.js';

/** No such batch: it never existed, or the workflow service has forgotten it after its retention period. */
export class BatchNotFoundError extends PostcallError {
  override readonly name = 'BatchNotFoundError';
  readonly code = 'BATCH_NOT_FOUND';

  constructor(
    readonly batchId: string,
    options?: ErrorOptions,
  ) {
    super(`There is no batch ${JSON.stringify(batchId)}`, options);
  }
}
