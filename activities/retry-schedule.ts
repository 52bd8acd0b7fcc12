const HOUR = 3_600_000;

export interface RetryPolicy {
  /** Milliseconds from the end of an attempt to the next one; the last entry repeats. Empty: one attempt only. */
  schedule_ms: readonly number[];
  /** Milliseconds from a batch's acceptance, pauses not counted, within which every attempt starts. */
  horizon_ms: number;
  /** Each wait is spread by up to this share in both directions, so that webhooks that failed together do not return together. */
  jitter: number;
}

/** No endpoint can hold a webhook back for longer than this. */
export const MAX_RETRY_AFTER_MS = 24 * HOUR;

export interface FailedAttempt {
  /** Attempts that had finished before this one: 0 for the first. */
  step: number;
  /** Milliseconds left until the batch's horizon. */
  remaining_ms: number;
  /** In [0, 1), as `Math.random()` gives it. */
  random: number;
  response_code: number | null;
  /** What the endpoint's `retry-after` asks for; counts with 429 and 503 only. */
  retry_after_ms?: number;
}

/** Statuses for which `retry-after` is defined (RFC 6585 section 4, RFC 9110 section 15.6.4). */
const RETRY_AFTER_STATUSES: readonly (number | null)[] = [429, 503];

function askedDelay({ response_code, retry_after_ms = 0 }: FailedAttempt): number {
  return RETRY_AFTER_STATUSES.includes(response_code) ? Math.min(retry_after_ms, MAX_RETRY_AFTER_MS) : 0;
}

/** `held_ms`: how long `retry-after` asks for; nothing may try sooner, though it may sooner than in `delay_ms`. 0: it does not. */
export type NextDelay = { delay_ms: number; held_ms: number } | 'used_up';

/**
 * How long to wait after a failed attempt. A wait that would end after the horizon is not begun: the schedule is used up at once.
 * `retry-after` is waited for in full, at most {@link MAX_RETRY_AFTER_MS}, and spread upwards only.
 */
export function nextDelay(policy: Pick<RetryPolicy, 'schedule_ms' | 'jitter'>, attempt: FailedAttempt): NextDelay {
  const base = policy.schedule_ms[Math.min(attempt.step, policy.schedule_ms.length - 1)];
  if (base === undefined) return 'used_up';

  const scheduled = base * (1 + policy.jitter * (2 * attempt.random - 1));
  const asked = askedDelay(attempt);
  const spread = Math.min(asked * (1 + policy.jitter * attempt.random), MAX_RETRY_AFTER_MS);
  const delay_ms = Math.round(asked > scheduled ? spread : scheduled);
  const held_ms = Math.min(asked, delay_ms);

  return delay_ms > attempt.remaining_ms ? 'used_up' : { delay_ms, held_ms };
}
