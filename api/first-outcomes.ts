import type { FastifyBaseLogger } from 'fastify';
import { type BatchHandle, type CallOutcome, PostcallError } from '../client/index.js';
import { type CallError, isRejection } from '../contract/index.js';
import { within } from './within.js';

/** For 20 pages of outcomes from a busy worker. */
const PATIENCE_MS = 15_000;
/** For a look at what is known when the wait has ended. */
const GLANCE_MS = 1_000;

export interface FirstOutcomes {
  /** True when every call's first attempt has finished. */
  complete: boolean;
  /** The calls for which the batch has no webhook, in the order of the request; those known so far. */
  refused: CallError[];
}

const UNKNOWN: FirstOutcomes = { complete: false, refused: [] };

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
    return (await within(patience, outcomesOf(handle))) ?? UNKNOWN;
  } catch (error) {
    if (!(error instanceof PostcallError)) throw error;
    log.warn(
      { reason: error.message, batch_id: handle.batchId },
      'what has become of an accepted batch is not known yet',
    );
    return UNKNOWN;
  }
}

/** Asks no worker where the batch has ended and its result tells everything. */
async function outcomesOf(handle: BatchHandle): Promise<FirstOutcomes> {
  const { status } = await handle.describe();
  if (status === 'finished') {
    const { errors, errors_omitted } = await handle.result();
    if (errors_omitted === 0) return { complete: true, refused: errors.filter(({ error }) => isRejection(error)) };
  }
  const found: FirstOutcomes = { complete: true, refused: [] };
  for await (const outcome of handle.outcomes()) {
    if (outcome.status === 'pending') found.complete = false;
    if (outcome.status === 'rejected') found.refused.push(refusalOf(outcome));
  }
  return found;
}

const refusalOf = ({ call_id, error }: CallOutcome): CallError => ({
  call_id,
  error: error?.type ?? 'rejected',
  message: error?.message ?? `call ${call_id} was refused`,
});
