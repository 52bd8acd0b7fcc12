import type { FastifyBaseLogger } from 'fastify';
import { type BatchHandle, type CallOutcome, PostcallError } from '../client/index.js';
import { within } from './within.js';

/** For 20 pages of outcomes from a busy worker. */
const PATIENCE_MS = 15_000;
/** For a look at what is known when the wait has ended. */
const GLANCE_MS = 1_000;

export interface FirstOutcomes {
  /** True when every call's first attempt has finished. */
  complete: boolean;
  /** In the order of the request; those known so far. */
  outcomes: CallOutcome[];
}

const UNKNOWN: FirstOutcomes = { complete: false, outcomes: [] };

/**
 * Waits for the first attempts of a batch. The batch has been accepted and goes on whatever happens here: a service or a worker
 * that does not answer makes less known, and no error.
 */
export async function firstOutcomes(
  handle: BatchHandle,
  { timeoutMs, signal, log }: { timeoutMs: number; signal: AbortSignal; log: FastifyBaseLogger },
): Promise<FirstOutcomes> {
  try {
    const made = await handle.firstAttempts({ timeoutMs, signal });
    const patience = made ? PATIENCE_MS : Math.min(GLANCE_MS, timeoutMs);
    if (patience === 0) return UNKNOWN;
    const outcomes = await within(patience, collect(handle.outcomes()));
    return outcomes ? { complete: outcomes.every(({ status }) => status !== 'pending'), outcomes } : UNKNOWN;
  } catch (error) {
    if (!(error instanceof PostcallError)) throw error;
    log.warn(
      { reason: error.message, batch_id: handle.batchId },
      'what has become of an accepted batch is not known yet',
    );
    return UNKNOWN;
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
