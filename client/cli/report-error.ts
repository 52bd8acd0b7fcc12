import { CommanderError } from 'commander';
import { InvalidConfigError } from '../../config/config.js';
import { InvalidRequestError } from '../../contract/index.js';
import type { StoreProblem, StoreUnavailableError } from '../../store/index.js';
import { BatchNotFoundError, IdempotencyConflictError, isTransient, PostcallError } from '../errors/index.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Output } from './output.js';

/** What was asked for is not there. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
}

/** What a failed command says and returns. */
interface ErrorReport {
  exitCode: ExitCode;
  code: string;
  messages: string[];
}

/** What a command line without a command asks for; commander has printed it. */
const isHelp = (error: unknown): boolean => error instanceof CommanderError && error.code === 'commander.help';

/** Says on stderr what went wrong, without a stack trace where the cause is known, and returns the exit code. */
export function reportError(error: unknown, output: Output): ExitCode {
  if (isHelp(error)) return EXIT.usage;
  const { exitCode, code, messages } = reportOf(error);
  output.complain({ error: code, messages }, messages.map((message) => `error: ${message}`).join('\n'));
  return exitCode;
}

function reportOf(error: unknown): ErrorReport {
  if (error instanceof CommanderError) {
    return { exitCode: EXIT.usage, code: 'USAGE', messages: [error.message.replace(/^error: /, '')] };
  }
  if (error instanceof InvalidRequestError) {
    return { exitCode: EXIT.usage, code: 'INVALID_REQUEST', messages: error.problems.map(({ message }) => message) };
  }
  if (error instanceof InvalidConfigError) {
    return { exitCode: EXIT.usage, code: 'INVALID_CONFIG', messages: error.problems };
  }
  if (error instanceof PostcallError) {
    return { exitCode: exitCodeOf(error), code: error.code, messages: [error.message] };
  }
  if (error instanceof NotFoundError) return { exitCode: EXIT.notFound, code: 'NOT_FOUND', messages: [error.message] };
  return reportOfOther(error);
}

function exitCodeOf(error: PostcallError): ExitCode {
  if (isTransient(error)) return EXIT.unavailable;
  if (error instanceof BatchNotFoundError) return EXIT.notFound;
  return error instanceof IdempotencyConflictError ? EXIT.usage : EXIT.failed;
}

const STORE_CODES: Record<StoreProblem, string> = {
  away: 'STORE_UNAVAILABLE',
  missing_database: 'DATABASE_MISSING',
  credentials: 'DATABASE_CREDENTIALS',
  rights: 'DATABASE_RIGHTS',
  schema: 'SCHEMA_OUTDATED',
  pooler: 'DATABASE_POOLER',
  key: 'ENCRYPTION_KEY_MISSING',
};

/** An absence ends by itself, and a key may be on its way to all processes; the rest needs a person. */
function reportOfStore({ problem, message }: StoreUnavailableError): ErrorReport {
  const exitCode = problem === 'away' || problem === 'key' ? EXIT.unavailable : EXIT.failed;
  return { exitCode, code: STORE_CODES[problem], messages: [message] };
}

function reportOfOther(error: unknown): ErrorReport {
  if (!(error instanceof Error)) return { exitCode: EXIT.failed, code: 'INTERNAL', messages: [String(error)] };
  // By name: only the commands that use the store load it.
  if (error.name === 'StoreUnavailableError' || error.name === 'EncryptionKeyMissingError') {
    return reportOfStore(error as StoreUnavailableError);
  }
  if (error.name === 'AbortError') {
    return { exitCode: EXIT.interrupted, code: 'INTERRUPTED', messages: ['interrupted; the batch goes on'] };
  }
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === 'string' && 'syscall' in error) {
    return { exitCode: EXIT.failed, code, messages: [error.message] };
  }
  return { exitCode: EXIT.failed, code: 'INTERNAL', messages: [error.stack ?? error.message] };
}
