/** Interruptions in a row from which on others wait, so that a webhook can be tried alone. */
const DRAINS_FROM = 3;
/** Alone so often, and interrupted each time: the call itself ends its worker. */
const POISON_FROM = 3;
/** How long nothing else starts while a webhook is tried alone; then it counts as one among others. */
const ALONE_MS = 250;
/** How long new attempts wait for those in flight to end. */
const DRAIN_MS = 1_000;
/** A suspect that has waited so long for its turn is tried among others. */
const MAX_LINE_MS = 10_000;

/** A webhook whose last attempts, `in_a_row`, were interrupted; `alone` of them while nothing else was in flight in their process. */
export interface Suspect {
  in_a_row: number;
  alone: number;
}

/** The exclusive turn of one suspect. */
export interface Turn {
  /** Its attempt is open. `share` notes that it is not alone any more; that is done before anything else starts. */
  opened(share: () => Promise<void>): void;
  /** Its attempt has ended. Safe to repeat. */
  over(): void;
}

export interface IsolationOptions {
  /** An attempt could not be noted as shared: if its worker dies now, it counts as one that was alone. */
  onError: (error: unknown) => void;
}

/**
 * Finds the call whose attempt ends its worker process. Interrupted webhooks are tried alone where that holds up nobody, and from the
 * third interruption on in turns, while others wait a moment. Only attempts that were alone count against a call.
 */
export class Isolation {
  readonly #onError: (error: unknown) => void;
  readonly #heldBack: (() => void)[] = [];
  #inFlight = 0;
  #held = false;
  #drained: (() => void) | undefined;
  /** Resolves when the last one in line has had its turn. */
  #line: Promise<void> = Promise.resolve();

  constructor({ onError }: IsolationOptions) {
    this.#onError = onError;
  }

  static isPoison({ alone }: Suspect): boolean {
    return alone >= POISON_FROM;
  }

  /** Counts an attempt as in flight. Resolves at once, as undefined, unless somebody is alone or others are being waited for. */
  enter(): Promise<void> | undefined {
    if (!this.#held) {
      this.#inFlight += 1;
      return undefined;
    }
    return new Promise((resolve) => this.#heldBack.push(resolve));
  }

  leave(): void {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#drained?.();
  }

  /** A suspect that has entered gets a turn alone, or goes on among others: then undefined. It stays in flight either way. */
  async admit({ in_a_row }: Suspect): Promise<Turn | undefined> {
    if (!this.#held && this.#inFlight === 1) return this.#startTurn(() => undefined);
    if (in_a_row < DRAINS_FROM) return undefined;
    this.leave();
    const { promise, resolve: next } = Promise.withResolvers<void>();
    return undefined;
  }
}
