import type { EndpointState } from '../contract/batch.js';
import type { EndpointRef } from '../contract/delivery.js';

/** Attempts in flight to an endpoint that has not answered yet, or has failed last: a dead one sees few. */
const CAUTIOUS_LIMIT = 10;

/** What the book knows of an endpoint of one user, for all batches. */
export class Endpoint {
  inFlight = 0;
  /** Milliseconds since the epoch, at which an attempt was last started. */
  lastTriedAt = 0;
  /** Attempts in a row that failed at the endpoint's level. */
  failures = 0;
  /** Since when they do; null while the last attempt did not. */
  failingSince: number | null = null;
  /** The least threshold of the batches that send to it. */
  leastDownAfter = Number.POSITIVE_INFINITY;
  /** It has answered, and has not been down since. */
  answered = false;

  constructor(
    readonly userId: string,
    readonly ref: EndpointRef,
  ) {}

  /** Something came back, be it an error of the one webhook: the endpoint lives. */
  succeeded(): void {
    this.failures = 0;
    this.failingSince = null;
    this.answered = true;
  }

  /** An attempt failed at the endpoint's level: refused, DNS, TLS, timeout, 429, 5xx. */
  failed(now: number, downAfter: number): void {
    this.failures += 1;
    this.failingSince ??= now;
    if (this.failures >= downAfter) this.answered = false;
  }

  /** Down for the batch that waits least. */
  get isDown(): boolean {
    return this.failures >= this.leastDownAfter;
  }

  stateFor(downAfter: number): EndpointState {
    return this.failures >= downAfter ? 'down' : 'up';
  }

  /** How many attempts at once it is worth, of all batches together, while it has not answered yet. */
  cautiousLimit(downAfter: number): number {
    return this.answered ? Number.POSITIVE_INFINITY : Math.min(CAUTIOUS_LIMIT, downAfter);
  }
}
