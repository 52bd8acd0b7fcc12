export interface TimeOutOptions {
  /** What the promise rejects with, and the signal's reason, when the time is up. */
  reason: () => unknown;
  /** Ends the work, with its own reason, before the time is up. */
  outer?: AbortSignal;
}

/**
 * Runs `work` for at most so many milliseconds. When they are up, or `outer` is aborted, its signal is aborted and the promise rejects,
 * whether `work` heeds the signal or not. Neither a timer nor a listener stays behind.
 */
export async function withTimeOut<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  { reason, outer }: TimeOutOptions,
): Promise<T> {
  outer?.throwIfAborted();
  const controller = new AbortController();
  const { signal } = controller;
  const abort = () => controller.abort(outer?.reason);
  const timer = setTimeout(() => controller.abort(reason()), ms);
  outer?.addEventListener('abort', abort);
  try {
    const over = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    return await Promise.race([over, work(signal)]);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', abort);
  }
}
