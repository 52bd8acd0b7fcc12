import { type DeliveryInput, type DeliveryResult, markOf } from '../contract/index.js';
import { currentContext } from './activity-context.js';
import type { AttemptTools } from './dependencies.js';
import { makeAttempt } from './make-attempt.js';
import type { RoundAnswers } from './round-answers.js';
import type { AttemptListener, AttemptResult, RunningAttempt, RunningAttempts } from './running-attempts.js';

/** How long a local activity waits for its attempt: it holds its workflow task open. */
const PATIENCE_MS = 250;

/**
 * Creates the activity that makes at most one attempt to deliver one call's webhook, and records it. Idempotent: what this batch has
 * delivered is not sent again, an attempt that still runs here is joined, and one that is open elsewhere is left alone.
 *
 * As a local activity it answers `slow` or `reading` after 250 ms, and at once where the request is being sent to an origin that is known
 * to be slow; the attempt goes on in this process. Failures of the webhook are answers. It throws only what is a fault of our own.
 */
export const createDeliverWebhook =
  (tools: AttemptTools, attempts: RunningAttempts, answers: RoundAnswers) =>
  (input: DeliveryInput): Promise<DeliveryResult> => {
    const startedAt = performance.now();
    const { isLocal, runId } = (tools.context ?? currentContext)();
    const attempt = attempts.join(input, (made) => makeAttempt(tools, input, made));
    const isSlow = () => isLocal && tools.originLimit.isSlow(input.endpoint.origin);
    const withItsRound = isLocal ? answers.expect(runId, input.round) : (answer: () => void) => answer();
    return new Promise((resolve, reject) => {
      const answer = (end: AttemptResult) => {
        const took = Math.round(performance.now() - startedAt);
        withItsRound(() => (end instanceof Error ? reject(end) : resolve({ ...end, took, of: markOf(input.call_id) })));
      };
      new Wait(attempt, isSlow, answer).start(isLocal ? PATIENCE_MS : undefined);
    });
  };

/** One execution's wait for an attempt. */
class Wait implements AttemptListener {
  readonly #attempt: RunningAttempt;
  readonly #isSlow: () => boolean;
  readonly #answer: (end: AttemptResult) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(attempt: RunningAttempt, isSlow: () => boolean, answer: (end: AttemptResult) => void) {
    this.#attempt = attempt;
    this.#isSlow = isSlow;
    this.#answer = answer;
  }

  start(patienceMs: number | undefined): void {
    this.#attempt.listen(this);
    if (patienceMs !== undefined) this.#timer = setTimeout(() => this.#leave(), patienceMs);
    if (this.#attempt.phase === 'sending') this.onSending();
  }

  onSending(): void {
    if (this.#isSlow()) this.#leave();
  }

  onEnd(end: AttemptResult): void {
    clearTimeout(this.#timer);
    this.#answer(end);
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#attempt.forget(this);
    this.#answer(this.#attempt.leave());
  }
}
