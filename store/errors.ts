/** The database cannot be reached, is shutting down, or is too slow to answer. Nothing is known to have changed: try again. */
export class StoreUnavailableError extends Error {
  override readonly name: string = 'StoreUnavailableError';
}

/**
 * A stored value is encrypted with a key that this process does not have. For its reader that is an absence of the store, which
 * ends when the process is given the key.
 */
export class EncryptionKeyMissingError extends StoreUnavailableError {
  override readonly name = 'EncryptionKeyMissingError';
  /** The missing key: its name and its fingerprint. */
  readonly key_id: string;

  /** @param namesake ID of the key that this process has under the same name */
  constructor(keyId: string, namesake: string | undefined) {
    super(
      namesake === undefined
        ? `a stored value needs the encryption key ${keyId}, which POSTCALL_ENCRYPTION_KEYS does not name`
        : `a stored value needs the encryption key ${keyId}; the key of that name in POSTCALL_ENCRYPTION_KEYS is another one, ${namesake}`,
    );
    this.key_id = keyId;
  }
}

/**
 * The database refused a statement. The driver's own error is not kept as the cause: it carries the statement's parameters,
 * which are calls' payloads.
 */
export class StoreQueryError extends Error {
  override readonly name: string = 'StoreQueryError';
  /** SQLSTATE of the refusal; undefined when it did not come from the database. */
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(code ? `${message} (SQLSTATE ${code})` : message);
    this.code = code;
  }
}

/** A stored value cannot be decrypted although its key is there: somebody has changed it, or taken it from another row. */
export class DamagedValueError extends StoreQueryError {
  override readonly name = 'DamagedValueError';

  /** `owner`: what it was stored for, such as a call with its user and ID. */
  constructor([kind, userId, id]: readonly [kind: string, userId: string, id: string]) {
    super(`the stored ${kind} ${id} of user ${userId} was changed or damaged: it cannot be decrypted`);
  }
}

export type StoreError = StoreUnavailableError | StoreQueryError;
