import type { WorkflowClient } from '@temporalio/client';
import { ServiceUnavailableError } from './errors/index.js';

/** How much longer than the deadline an RPC may take to fail by itself. */
const GRACE_MS = 200;

/**
 * Runs RPCs that must have answered within `timeoutMs`. The connection retries an unreachable server and looks at the deadline
 * only when its next retry starts, seconds later: the timer ends the wait on time.
 */
export async function withDeadline<T>(client: WorkflowClient, timeoutMs: number, run: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    const late = () => reject(new ServiceUnavailableError(`no answer within ${timeoutMs} ms`));
    timer = setTimeout(late, timeoutMs + GRACE_MS);
  });
  try {
    return await Promise.race([client.withDeadline(Date.now() + timeoutMs, run), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
