/**
 * Why the database cannot be used now. `away`: it does not answer, is starting or shutting down, or is too slow. A person mends the others.
 * `missing_database`: it does not exist. `credentials`: it refuses user or password. `rights`: the role lacks one. `schema`: it is older
 * than this version needs. `pooler`: a connection pooler drops settings of sessions. `key`: a value is encrypted with a key that this
 * process does not have.
 */
export type StoreProblem = 'away' | 'missing_database' | 'credentials' | 'rights' | 'schema' | 'pooler' | 'key';

const REMEDIES: Record<StoreProblem, string | undefined> = {
  away: undefined,
  missing_database: 'create the database, or correct its name in DATABASE_URL',
  credentials: 'correct user and password in DATABASE_URL, or what the server allows the user (pg_hba.conf)',
  rights:
    'as the owner of the tables: grant select, insert, update, delete on all tables in schema public to the role of DATABASE_URL',
  schema: 'run `npx postcall migrate` with a role in DATABASE_URL that may create tables',
  pooler: 'docs/production.md says what PgBouncer and the role have to be told',
  key: undefined,
};

interface UnavailableOptions extends ErrorOptions {
  /** Default `away`. */
  problem?: StoreProblem;
  /** Default: the problem's own. */
  remedy?: string | undefined;
}

/** The database cannot be used now, and nothing is known to have changed. The same request may succeed later. */
export class StoreUnavailableError extends Error {
  override readonly name: string = 'StoreUnavailableError';
  readonly problem: StoreProblem;
  /** The problem, and its remedy where there is one: both are the message. */
  readonly reason: string;
  readonly remedy: string | undefined;

  constructor(reason: string, { problem = 'away', remedy = REMEDIES[problem], ...options }: UnavailableOptions = {}) {
    super(remedy === undefined ? reason : `${reason}: ${remedy}`, options);
    this.problem = problem;
    this.reason = reason;
    this.remedy = remedy;
  }
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
      { problem: 'key' },
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
