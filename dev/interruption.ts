/** What Ctrl-C or SIGTERM makes of what is under way. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}

/** The shell's code for a process that SIGINT ended. */
const EXIT_INTERRUPTED = 130;

/** A signal that the first Ctrl-C or SIGTERM aborts, for an orderly end. The second one ends the process at once. */
export function onInterrupt(note: (line: string) => void): AbortSignal {
  const interruption = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (interruption.signal.aborted) process.exit(EXIT_INTERRUPTED);
      note('Stopping: attempts in flight finish first. Ctrl-C again ends at once.');
      interruption.abort(new InterruptedError(name));
    });
  }
  return interruption.signal;
}

/** Resolves when the signal is aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
