import { setTimeout as delay } from 'node:timers/promises';
import { type Attempt, type DeliveryInput, INTERRUPTED } from '../contract/index.js';
import type { AttemptState, OpenedAttempt, OpenResult, PayloadSource } from '../store/store.js';
import type { Dependencies } from './dependencies.js';
import { attemptFailed, finallyFailed, rejected, storeUnavailable } from './failures.js';
import { outcomeOf } from './outcome.js';
import { firstPayloadSource, readPayload } from './payload.js';

/** How often the row of an attempt that another process makes is read. */
const POLL_INTERVAL_MS = 500;

/** Opens an attempt, or returns the one that this batch has delivered already. Throws when the call is rejected or settled. */
export async function openAttempt(
  deps: Dependencies,
  input: DeliveryInput,
): Promise<OpenedAttempt | { kind: 'delivered'; attempt: Attempt }> {
  for (;;) {
    const opened = await openWithPayload(deps, input);
    switch (opened.kind) {
      case 'opened':
      case 'delivered':
        return opened;
      case 'call_not_found':
      case 'needs_payload':
        throw rejected('CallNotFound', input.call_id);
      case 'webhook_exists':
        throw rejected('WebhookExists', input.call_id);
      case 'webhook_not_found':
        throw rejected('WebhookNotFound', input.call_id);
      case 'webhook_in_progress':
        throw rejected('WebhookInProgress', input.call_id);
      case 'settled':
        throw finallyFailed('WebhookSettled', opened.reason);
      case 'open_elsewhere': {
        const attempt = await endElsewhere(deps, opened.seq);
        if (attempt) return { kind: 'delivered', attempt };
      }
    }
  }
}

/** Asks the call source only when the store says that there is no webhook yet. */
async function openWithPayload(deps: Dependencies, input: DeliveryInput): Promise<OpenResult> {
  const open = (payload: PayloadSource) =>
    orStoreUnavailable(deps.store.openAttempt({ ...input, timeout_ms: deps.attemptTimeoutMs, payload }));
  const opened = await open(firstPayloadSource(deps));
  if (opened.kind !== 'needs_payload') return opened;
  const payload = await readPayload(deps, input);
  return payload ? open(payload) : { kind: 'call_not_found' };
}

/**
 * Waits for an attempt that another process makes or has left open by dying. Returns it when it delivers; undefined when it was
 * interrupted and a new one is to be made; throws when it fails.
 */
async function endElsewhere({ store }: Dependencies, seq: string): Promise<Attempt | undefined> {
  for (;;) {
    const state = await orStoreUnavailable(store.readAttempt(seq));
    if (state.kind === 'closed') return endOfClosed(state);
    if (state.remaining_ms <= 0) {
      await orStoreUnavailable(store.interruptAttempt(seq));
      continue;
    }
    await delay(Math.min(POLL_INTERVAL_MS, state.remaining_ms));
  }
}

function endOfClosed(state: Extract<AttemptState, { kind: 'closed' }>): Attempt | undefined {
  const { attempt, status, reason, next_attempt_in_ms } = state;
  if (status === 'delivered') return attempt;
  if (attempt.error === INTERRUPTED) return undefined;
  const { response_code } = attempt;
  const outcome = outcomeOf({ response_code, error_kind: null });
  if (status === 'failed' || status === 'canceled') {
    throw finallyFailed(outcome.kind === 'gone' ? 'EndpointGone' : 'WebhookSettled', reason ?? status);
  }
  throw attemptFailed(attempt.error ?? `the endpoint answered ${response_code}`, next_attempt_in_ms, {
    response_code,
    endpoint_failed: outcome.kind === 'retry' && outcome.endpoint_failed,
  });
}

/** Whatever the store throws is infrastructure: the activity is retried and the webhook's schedule is not used up. */
export async function orStoreUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw storeUnavailable(error);
  }
}
