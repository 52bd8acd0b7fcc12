import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type {
  DeliveryEvents,
  EndedAttempt,
  FailedWebhookEvent,
  SettledWebhooks,
} from '../activities/delivery-events.js';
import type { EndpointChange, InterruptedAttempt } from '../store/store.js';
import { attemptClass } from './attempt-class.js';

/** Up to the longest timeout that may be configured. */
const ATTEMPT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120];
/** From a delivery at once to the default horizon. */
const ACCEPT_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 43_200, 86_400, 259_200];

/** Counts what a worker does. No label holds a URL, a user or a call: their number is not ours to bound. */
export class DeliveryMetrics implements DeliveryEvents {
  readonly #attempts: Counter<'outcome' | 'class'>;
  readonly #duration: Histogram<'outcome'>;
  readonly #acceptToDelivery: Histogram;
  readonly #settled: Counter<'status'>;
  readonly #transitions: Counter<'to'>;
  readonly #inFlight: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#attempts = new Counter({
      name: 'postcall_attempts_total',
      help: 'Attempts whose end this worker has recorded, and calls that could not be read.',
      labelNames: ['outcome', 'class'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'postcall_attempt_duration_seconds',
      help: 'From the beginning of a request to the end of its response, or of the attempt without one.',
      labelNames: ['outcome'],
      buckets: ATTEMPT_SECONDS,
      registers,
    });
    this.#acceptToDelivery = new Histogram({
      name: 'postcall_accept_to_delivery_seconds',
      help: 'From the acceptance of a batch to the delivery of one of its webhooks.',
      buckets: ACCEPT_SECONDS,
      registers,
    });
    this.#settled = new Counter({
      name: 'postcall_webhooks_settled_total',
      help: 'Webhooks that need nothing more.',
      labelNames: ['status'],
      registers,
    });
    this.#transitions = new Counter({
      name: 'postcall_endpoint_transitions_total',
      help: 'Endpoints that have gone down, have gone for good, or have come back.',
      labelNames: ['to'],
      registers,
    });
    this.#inFlight = new Gauge({ name: 'postcall_in_flight', help: 'Requests to endpoints under way.', registers });
    // A counter that begins with its first event never increases by it.
    for (const status of ['delivered', 'failed', 'canceled']) this.#settled.inc({ status }, 0);
    for (const to of ['up', 'down', 'gone']) this.#transitions.inc({ to }, 0);
  }

  sending(): () => void {
    this.#inFlight.inc();
    return () => this.#inFlight.dec();
  }

  attemptEnded({ outcome, response_time_ms, sent_at, accepted_at, ...end }: EndedAttempt): void {
    this.#attempts.inc({ outcome, class: attemptClass(end) });
    this.#duration.observe({ outcome }, response_time_ms / 1_000);
    if (outcome !== 'delivered') return;
    this.#settled.inc({ status: 'delivered' });
    const elapsed = Date.parse(sent_at) + response_time_ms - Date.parse(accepted_at);
    // Two clocks: the database's, and the workflow's.
    this.#acceptToDelivery.observe(Math.max(0, elapsed) / 1_000);
  }

  attemptsInterrupted(attempts: InterruptedAttempt[]): void {
    this.#attempts.inc({ outcome: 'interrupted', class: 'none' }, attempts.length);
  }

  webhookFailed({ error }: FailedWebhookEvent): void {
    this.#settled.inc({ status: 'failed' });
    if (error === 'CallUnreadable') this.#attempts.inc({ outcome: 'unreadable', class: 'none' });
  }

  webhooksSettled({ status, webhooks }: SettledWebhooks): void {
    this.#settled.inc({ status }, webhooks);
  }

  endpointChanged({ state }: EndpointChange): void {
    this.#transitions.inc({ to: state });
  }
}
