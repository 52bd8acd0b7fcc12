import type { EncryptionKeyMissingError } from '../store/errors.js';

/** A key that is missing is missing for many calls at once: it is told of once a minute. */
const INTERVAL_MS = 60_000;

/** Tells an operator which keys are missing. */
export class MissingKeys {
  readonly #onFault: (what: string, error: unknown) => void;
  readonly #clock: () => number;
  readonly #toldAt = new Map<string, number>();

  constructor(onFault: (what: string, error: unknown) => void, clock = () => performance.now()) {
    this.#onFault = onFault;
    this.#clock = clock;
  }

  note(error: EncryptionKeyMissingError): void {
    const now = this.#clock();
    const toldAt = this.#toldAt.get(error.key_id);
    if (toldAt !== undefined && now - toldAt < INTERVAL_MS) return;
    this.#toldAt.set(error.key_id, now);
    this.#onFault(`webhooks wait for an encryption key: ${error.message}`, error);
  }
}
