import type { EndpointState } from '../contract/batch.js';

/**
 * What a page knows of its endpoint. `down` after so many attempts in a row that failed at the endpoint's level, `up` again at
 * the first success, `gone` for good at a 410.
 */
export class EndpointHealth {
  state: EndpointState = 'up';
  /** Milliseconds since the epoch at which `down` or `gone` began. */
  since: number | undefined;
  readonly #downAfter: number;
  #failures = 0;

  constructor(downAfter: number) {
    this.#downAfter = downAfter;
  }

  succeeded(): void {
    this.#failures = 0;
    if (this.state === 'down') this.#become('up', undefined);
  }

  /** `endpointFailed`: the endpoint as a whole failed, not this one webhook, which shows that the endpoint answers. */
  failed(endpointFailed: boolean, now: number): void {
    this.#failures = endpointFailed ? this.#failures + 1 : 0;
    if (this.state === 'up' && this.#failures >= this.#downAfter) this.#become('down', now);
  }

  gone(now: number): void {
    if (this.state !== 'gone') this.#become('gone', now);
  }

  #become(state: EndpointState, since: number | undefined): void {
    this.state = state;
    this.since = since;
  }
}
