import type { Reading } from './read-call.js';

/** How long a call may take to become readable. All in milliseconds since acceptance. */
export interface ReadPolicy {
  /** The record may come a moment after the call: until then an absent one is asked for again. */
  grace_ms: number;
  /** A record that is not complete by then is failed, or sent as it is. */
  ready_timeout_ms: number;
  send_incomplete: boolean;
}

/** What is to be done about a call that was asked for. */
export type ReadDecision =
  | { kind: 'send'; text: string }
  | { kind: 'ask_again'; due_in: number; source_away: boolean }
  | { kind: 'not_found' }
  | { kind: 'fail'; reason: string };

export interface ReadTimes {
  /** Milliseconds since acceptance. */
  elapsed_ms: number;
  /** Milliseconds until the batch's horizon. */
  remaining_ms: number;
}

const SHORTEST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const FIRST_GRACE_WAIT_MS = 250;
/** A source's `retry-after` beyond this is not waited for: its calls would fail at their horizon without having been asked for again. */
const MAX_RETRY_AFTER_MS = 600_000;

/** Waits grow with the time since acceptance, so that nothing needs to be remembered of a call that could not be read. */
export function decideReading(
  reading: Reading,
  policy: ReadPolicy,
  { elapsed_ms, remaining_ms }: ReadTimes,
): ReadDecision {
  const elapsed = Math.max(0, elapsed_ms);
  switch (reading.kind) {
    case 'read':
      if (reading.ready) return { kind: 'send', text: reading.text };
      return incomplete(reading.text, policy, elapsed, remaining_ms);
    case 'absent': {
      const left = policy.grace_ms - elapsed;
      const due_in = Math.min(Math.max(elapsed, FIRST_GRACE_WAIT_MS), left);
      return left <= 0 || remaining_ms <= due_in
        ? { kind: 'not_found' }
        : { kind: 'ask_again', due_in: Math.ceil(due_in), source_away: false };
    }
    case 'unusable':
      return { kind: 'fail', reason: reading.reason };
    case 'away': {
      const wait = clamp(elapsed / 4, SHORTEST_WAIT_MS, LONGEST_WAIT_MS);
      const due_in = Math.ceil(Math.max(wait, Math.min(reading.retry_after_ms, MAX_RETRY_AFTER_MS)));
      return remaining_ms <= due_in
        ? { kind: 'fail', reason: reading.reason }
        : { kind: 'ask_again', due_in, source_away: true };
    }
  }
}

function incomplete(text: string, policy: ReadPolicy, elapsed: number, remaining_ms: number): ReadDecision {
  const left = policy.ready_timeout_ms - elapsed;
  const due_in = Math.min(clamp(elapsed, SHORTEST_WAIT_MS, LONGEST_WAIT_MS), left);
  if (left > 0 && remaining_ms > due_in) return { kind: 'ask_again', due_in: Math.ceil(due_in), source_away: false };
  return policy.send_incomplete ? { kind: 'send', text } : { kind: 'fail', reason: 'not complete' };
}

const clamp = (value: number, min: number, max: number): number => Math.min(Math.max(value, min), max);
