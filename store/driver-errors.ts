import { DrizzleQueryError } from 'drizzle-orm';
import { type StoreError, type StoreProblem, StoreQueryError, StoreUnavailableError } from './errors.js';

/** SQLSTATE classes (PostgreSQL manual, appendix A) that say "not now": the same statement may succeed later. */
const UNAVAILABLE_CLASSES = [
  '08', // connection exception
  '28', // invalid authorization: credentials that rotate
  '3D', // invalid catalog name: a database that is being created or restored
  '53', // insufficient resources: disk full, too many connections
  '57', // operator intervention: shutdown, starting up, statement timeout
  '58', // system error: I/O
];
/**
 * A standby after a failover is read-only. A lock was not to be had. A privilege is missing, which is also the server's word for a
 * read-only disk. All are mended without us, and until then the end of an attempt must not be dropped.
 */
const UNAVAILABLE_CODES = ['25006', '55P03', '42501'];
/** Serialization failure and deadlock: the statement was undone and can run again at once. */
const CONFLICT_CODES = ['40001', '40P01'];
/** Cardinality, data, integrity and limits: the statement's own data is at fault. */
const DATA_CLASSES = ['21', '22', '23', '54'];

/** What `pg` says of a pooler that does not know a startup parameter. PgBouncer gives it a code of class 08. */
const POOLER_MESSAGE = /unsupported startup parameter/i;
/** What PgBouncer says of a database that it does not know, and of a user; both also of class 08. */
const MISSING_DATABASE_MESSAGE = /no such database/i;
const CREDENTIALS_MESSAGE = /password authentication failed|no such user/i;

/** What Node's sockets, DNS and TLS report, by `error.code`. */
const NODE_CODE = /^(E[A-Z_]+|ERR_(TLS|SSL|SOCKET|STREAM)_\w+|[A-Z_]*CERT[A-Z_]*)$/;
/** What `pg`, `pg-pool` and PGlite say without a code. */
const CONNECTION_MESSAGE =
  /connection terminated|connection error|connection ended|timeout exceeded when trying to connect|timeout expired|query read timeout|client was closed|client has already been|after calling end on the pool|server does not support SSL|PGlite is clos/i;

const SQLSTATE = /^[0-9A-Z]{5}$/;

interface DriverError {
  code?: unknown;
  message: string;
  errors?: unknown[];
}

/** `E...` codes of Node such as EPIPE have five letters too; no SQLSTATE that PostgreSQL defines starts with E. */
const sqlState = ({ code }: DriverError): string | undefined =>
  typeof code === 'string' && SQLSTATE.test(code) && !code.startsWith('E') ? code : undefined;

const isUnreachable = (error: DriverError): boolean =>
  (typeof error.code === 'string' && NODE_CODE.test(error.code)) || CONNECTION_MESSAGE.test(error.message);

const isUnavailable = (state: string): boolean =>
  UNAVAILABLE_CODES.includes(state) || UNAVAILABLE_CLASSES.includes(state.slice(0, 2));

/** Drizzle's own error carries statement and parameters; a connection to several addresses fails with one error for each. */
function innermost(error: unknown): DriverError {
  if (error instanceof DrizzleQueryError && error.cause) return innermost(error.cause);
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0]);
  return error instanceof Error ? error : new Error(String(error));
}

/** The typed error for an error of a driver. */
export function toStoreError(thrown: unknown): StoreError {
  const error = innermost(thrown);
  if (error instanceof StoreUnavailableError || error instanceof StoreQueryError) return error;
  const state = sqlState(error);
  if (state ? isUnavailable(state) : isUnreachable(error)) {
    const problem = problemOf(error, state);
    return new StoreUnavailableError(`${PROBLEMS[problem]}: ${error.message}`, { problem, cause: withoutData(error) });
  }
  return new StoreQueryError(error.message, state);
}

/** What a driver can report. */
type DriverProblem = Exclude<StoreProblem, 'schema' | 'key'>;

/** The first words for a person. */
const PROBLEMS: Record<DriverProblem, string> = {
  away: 'the database is unavailable',
  missing_database: 'the database does not exist',
  credentials: 'the database refuses the credentials',
  rights: 'the database role lacks a right',
  pooler: 'the connection pooler refuses the session',
};

function problemOf({ message }: DriverError, state: string | undefined): DriverProblem {
  if (POOLER_MESSAGE.test(message)) return 'pooler';
  if (state === '3D000' || MISSING_DATABASE_MESSAGE.test(message)) return 'missing_database';
  if (state?.startsWith('28') || CREDENTIALS_MESSAGE.test(message)) return 'credentials';
  return state === '42501' ? 'rights' : 'away';
}

/** A driver's error without the statement, its parameters and the data that the server quotes. */
function withoutData(error: DriverError): Error {
  const cause = new Error(error.message);
  if (error instanceof Error && error.stack) cause.stack = error.stack;
  return Object.assign(cause, { code: error.code });
}

/** True when the statement was undone in favour of another one, and may run again at once. */
export const isConflict = (error: unknown): boolean =>
  error instanceof StoreQueryError && CONFLICT_CODES.includes(error.code ?? '');

/** True when the data of the statement is at fault, so that the same statement would fail again. */
export const isDataError = (error: unknown): boolean =>
  error instanceof StoreQueryError && DATA_CLASSES.includes((error.code ?? '').slice(0, 2));
