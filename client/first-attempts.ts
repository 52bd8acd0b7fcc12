import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Progress } from '../contract/index.js';
import { isTransient } from './errors/index.js';
import type { Temporal } from './temporal.js';

const FIRST_LOOK_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

interface Batch {
  readonly workflowId: string;
  progress(): Promise<Progress>;
}

/**
 * True as soon as no call is `pending` or the batch has ended, false after `timeoutMs` or once `signal` is aborted. Small batches end before the first look
 * at their progress, and then cost one long poll for the result.
 */
export async function waitForFirstAttempts(
  batch: Batch,
  temporal: Temporal,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const stop = new AbortController();
  const end = () => stop.abort();
  const timer = setTimeout(end, timeoutMs);
  signal?.addEventListener('abort', end);
  if (signal?.aborted) end();
  try {
    return await Promise.race([
      untilStopped(stop.signal),
      untilEnded(batch, temporal, stop.signal),
      untilNonePending(batch, stop.signal),
    ]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    end();
  }
}

async function untilStopped(signal: AbortSignal): Promise<false> {
  if (!signal.aborted) await once(signal, 'abort');
  return false;
}

async function untilEnded(batch: Batch, temporal: Temporal, signal: AbortSignal): Promise<boolean> {
  try {
    await temporal.result(batch.workflowId, signal);
    return true;
  } catch (error) {
    if (signal.aborted || isTransient(error)) return untilStopped(signal);
    throw error;
  }
}

async function untilNonePending(batch: Batch, signal: AbortSignal): Promise<boolean> {
  for (let pause = FIRST_LOOK_MS; !signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      await delay(pause, undefined, { signal });
      const { pending } = await batch.progress();
      if (pending === 0) return true;
    } catch (error) {
      // Without a worker, or for a while without the service, the batch is still accepted: whoever waits learns it at the timeout.
      if (!signal.aborted && !isTransient(error)) throw error;
    }
  }
  return false;
}
