/** The database cannot be reached, is shutting down, or is too slow to answer. Nothing is known to have changed: try again. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
}

/**
 * The database refused a statement. The driver's own error is not kept as the cause: it carries the statement's parameters,
 * which are calls' payloads.
 */
export class StoreQueryError extends Error {
  override readonly name = 'StoreQueryError';
  /** SQLSTATE of the refusal; undefined when it did not come from the database. */
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(code ? `${message} (SQLSTATE ${code})` : message);
    this.code = code;
  }
}

export type StoreError = StoreUnavailableError | StoreQueryError;
