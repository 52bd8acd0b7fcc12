import { setTimeout as delay } from 'node:timers/promises';

/** How long nothing else starts while a suspect is alone: what kills a worker kills it at once. */
const ALONE_MS = 250;
/** From so many interruptions in a row on, others are held back for a moment until a suspect is alone. */
const DRAINS_FROM = 3;
const DRAIN_MS = 1_000;
const DRAIN_POLL_MS = 10;
/** Alone so often, and interrupted each time: the call itself ends its worker. */
const POISON_FROM = 3;

/** A webhook whose last attempts, `in_a_row`, were interrupted; `alone` of them while nothing else was in flight in their process. */
export interface Suspect {
  in_a_row: number;
  alone: number;
}

/** How a suspect is tried. */
export interface Turn {
  isolation: 'alone' | 'shared';
  /** Its attempt is open. `share` notes that it is not alone any more: that is done before anything else starts. */
  opened(share: () => Promise<void>): void;
  /** Its attempt has ended. Safe to repeat. */
  over(): void;
}

const SHARED: Turn = { isolation: 'shared', opened: () => undefined, over: () => undefined };

/**
 * Finds the call whose attempt ends its worker process. Interrupted webhooks are tried alone where that holds up nobody, and from the
 * third interruption on while others wait a moment. Only attempts that were alone count against a call, so that calls which were in
 * flight together at a crash are never failed for it.
 */
export class Isolation {
  readonly #onError: (error: unknown) => void;
  #inFlight = 0;
  /** While a suspect is alone, or is to be. */
  #gate: Promise<void> | undefined;
  #turn: Turn | undefined;

  /** `onError`: an attempt could not be noted as shared. If its worker dies now, it counts as one that was alone. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  static isPoison({ alone }: Suspect): boolean {
    return alone >= POISON_FROM;
  }

  /** Counts an attempt as in flight. Waits while a suspect is alone. */
  async enter(): Promise<void> {
    while (this.#gate !== undefined) await this.#gate;
    this.#inFlight += 1;
  }

  /** An attempt has ended; it may have been the one that was alone. */
  leave(): void {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#turn?.over();
  }

  /** A suspect that has entered gets a turn alone, or goes on among the others. */
  async admit({ in_a_row }: Suspect): Promise<Turn> {
    if (this.#gate !== undefined || (this.#inFlight > 1 && in_a_row < DRAINS_FROM)) return SHARED;
    const turn = this.#close();
    for (let waited = 0; this.#inFlight > 1 && waited < DRAIN_MS; waited += DRAIN_POLL_MS) await delay(DRAIN_POLL_MS);
    if (this.#inFlight === 1) return turn;
    turn.over();
    return SHARED;
  }

  #close(): Turn {
    let release = (): void => undefined;
    this.#gate = new Promise((resolve) => {
      release = resolve;
    });
    let timer: NodeJS.Timeout | undefined;
    const turn: Turn = {
      isolation: 'alone',
      opened: (share) => {
        timer = setTimeout(() => {
          share().catch(this.#onError).finally(turn.over);
        }, ALONE_MS);
      },
      over: () => {
        clearTimeout(timer);
        if (this.#turn !== turn) return;
        this.#turn = undefined;
        this.#gate = undefined;
        release();
      },
    };
    this.#turn = turn;
    return turn;
  }
}
