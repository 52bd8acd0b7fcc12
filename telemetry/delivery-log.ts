import type { Logger } from 'pino';
import type {
  EndedAttempt,
  FailedWebhookEvent,
  RecordedEvents,
  SettledWebhooks,
} from '../activities/delivery-events.js';
import { hostOf, INTERRUPTED } from '../contract/index.js';
import type { EndpointChange, InterruptedAttempt } from '../store/store.js';
import { LineLimit } from './line-limit.js';

/**
 * Logs what an operator must know: attempts that failed, up to five lines for each endpoint and minute, webhooks that failed, and endpoints
 * that change. Hosts, not URLs: paths and queries may hold secrets.
 */
export class DeliveryLog implements RecordedEvents {
  readonly #logger: Logger;
  readonly #attempts: LineLimit;
  readonly #failures: LineLimit;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#attempts = new LineLimit({
      onLeftOut: (key, left_out) => logger.info({ ...fieldsOf(key), left_out }, 'more attempts failed'),
    });
    this.#failures = new LineLimit({
      onLeftOut: (key, left_out) => logger.warn({ ...fieldsOf(key), left_out }, 'more webhooks failed for good'),
    });
  }

  attemptEnded({ user_id, url, batch_id, call_id, outcome, ...end }: EndedAttempt): void {
    if (outcome === 'delivered' || !this.#attempts.admits(keyOf(user_id, url))) return;
    const { attempt, response_code, error, next_attempt_in } = end;
    const next_attempt_at = next_attempt_in === null ? null : new Date(Date.now() + next_attempt_in).toISOString();
    this.#logger.info(
      { batch_id, call_id, user_id, host: hostOf(url), attempt, response_code, error, next_attempt_at },
      'an attempt failed',
    );
  }

  attemptsInterrupted(attempts: InterruptedAttempt[]): void {
    for (const { user_id, url, batch_id, call_id, step } of attempts) {
      if (!this.#attempts.admits(keyOf(user_id, url))) continue;
      const end = {
        attempt: step + 1,
        response_code: null,
        error: INTERRUPTED,
        next_attempt_at: new Date().toISOString(),
      };
      this.#logger.info({ batch_id, call_id, user_id, host: hostOf(url), ...end }, 'an attempt failed');
    }
  }

  webhookFailed({ user_id, url, batch_id, call_id, error, reason }: FailedWebhookEvent): void {
    if (!this.#failures.admits(keyOf(user_id, url))) return;
    const host = url === undefined ? null : hostOf(url);
    this.#logger.warn({ batch_id, call_id, user_id, host, error, reason }, 'a webhook failed for good');
  }

  webhooksSettled({ status, batch_id, user_id, error, webhooks }: SettledWebhooks): void {
    if (status === 'failed') this.#logger.warn({ batch_id, user_id, error, webhooks }, 'webhooks failed for good');
    else this.#logger.info({ batch_id, user_id, error, webhooks }, 'webhooks were canceled');
  }

  endpointChanged({ user_id, url, state }: EndpointChange): void {
    this.#logger.warn({ user_id, host: hostOf(url), state }, MESSAGES[state]);
  }

  /** Logs how much was left out so far. */
  close(): void {
    this.#attempts.sweep({ all: true });
    this.#failures.sweep({ all: true });
  }
}

const MESSAGES: Record<EndpointChange['state'], string> = {
  down: 'an endpoint is down: its webhooks wait, and it is probed',
  gone: 'an endpoint is gone: its webhooks fail',
  up: 'an endpoint is back',
};

/** By endpoint: two URLs of one host are two. */
const keyOf = (userId: string, url: string | undefined): string => JSON.stringify([userId, url ?? null]);

function fieldsOf(key: string): { user_id: string; host: string | null } {
  const [user_id, url] = JSON.parse(key) as [string, string | null];
  return { user_id, host: url === null ? null : hostOf(url) };
}
