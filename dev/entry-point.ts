import { InvalidConfigError } from '../config/index.js';
import { StackError } from './stack-error.js';

/** The reason with which Ctrl-C or SIGTERM aborts. */
class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}

/** The shell's code for a process that Ctrl-C ended. */
const EXIT_INTERRUPTED = 130;

/** npm passes a terminal's Ctrl-C on to its script, which has had it from the terminal already: so soon, it is the same one. */
const NPM_ECHO_MS = 1_000;

/** An error whose message tells the person at the terminal everything: its stack trace is not shown. */
export class ExpectedError extends Error {
  override readonly name = 'ExpectedError';
}

export interface EntryPointOptions {
  /** The exit code after an orderly end on Ctrl-C or SIGTERM. Default 130. */
  interruptedCode?: number;
}

/**
 * Runs a program to its end, and ends the process: the threads of a Temporal runtime without a worker would keep it. The first Ctrl-C or
 * SIGTERM aborts the signal that `main` gets, for an orderly end; the second one ends the process at once.
 */
export function runEntryPoint(
  main: (interruption: AbortSignal) => Promise<void>,
  options: EntryPointOptions = {},
): void {
  const { interruptedCode = EXIT_INTERRUPTED } = options;
  main(interruption()).then(
    () => process.exit(0),
    (error: unknown) => {
      if (isInterruption(error)) process.exit(interruptedCode);
      const expected = [ExpectedError, InvalidConfigError, StackError].some((type) => error instanceof type);
      console.error(expected && error instanceof Error ? error.message : error);
      process.exit(1);
    },
  );
}

function interruption(): AbortSignal {
  const controller = new AbortController();
  const echoMs = process.env.npm_lifecycle_event === undefined ? 0 : NPM_ECHO_MS;
  let firstAt = 0;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted && performance.now() - firstAt < echoMs) return;
      if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
      firstAt = performance.now();
      console.log('Stopping: attempts in flight finish first. Ctrl-C again ends at once.');
      controller.abort(new InterruptedError(name));
    });
  }
  return controller.signal;
}

function isInterruption(error: unknown): boolean {
  // Timers wrap the signal's reason.
  const reason = error instanceof Error && error.name === 'AbortError' ? error.cause : error;
  return reason instanceof InterruptedError;
}
