import type { DeliveryEnd, DeliveryInput, DeliveryResult } from '../contract/index.js';
import { currentContext } from './activity-context.js';
import type { Dependencies } from './dependencies.js';
import { type AttemptShare, makeAttempt } from './make-attempt.js';
import type { AttemptEnd, RunningAttempt, RunningAttempts } from './running-attempts.js';

/** A local activity holds its workflow task open: so long it waits for an attempt, which then goes on in this process. */
const PATIENCE_MS = 250;

/**
 * Makes one attempt to deliver one call's webhook, and records it. Idempotent: what is settled, not due or under way is answered as that,
 * an attempt that runs in this process is joined, and one that a dead worker left open is closed as interrupted before a new one
 * is made under the same `webhook-id`. An endpoint that is known to be slow gets no patience at all.
 */
export const createDeliverWebhook =
  (deps: Dependencies, share: AttemptShare, running: RunningAttempts) =>
  async (input: DeliveryInput): Promise<DeliveryResult> => {
    const from = performance.now();
    const { isLocal } = (deps.context ?? currentContext)();
    const attempt = running.join(input, (made) => makeAttempt(deps, share, input, made));
    const patienceMs = deps.endpointLimit.isSlow(input.endpoint.origin) ? 0 : PATIENCE_MS;
    const end = await (isLocal ? endWithin(attempt, patienceMs) : endOf(attempt));
    if (end instanceof Error) throw end;
    return { ...end, took: Math.round(performance.now() - from) };
  };

/** The attempt's end, or what stands in for it when it takes longer. */
function endWithin(attempt: RunningAttempt, ms: number): Promise<AttemptEnd> {
  if (ms === 0) return Promise.resolve(attempt.leave());
  return new Promise((resolve) => {
    const listener = {
      onEnd: (end: AttemptEnd) => {
        clearTimeout(timer);
        resolve(end);
      },
    };
    const timer = setTimeout(() => {
      attempt.forget(listener);
      resolve(attempt.leave());
    }, ms);
    attempt.listen(listener);
  });
}

const endOf = (attempt: RunningAttempt): Promise<AttemptEnd> =>
  new Promise<DeliveryEnd | Error>((resolve) => {
    attempt.listen({ onEnd: resolve });
  });
