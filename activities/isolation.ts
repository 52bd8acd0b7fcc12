/** Interruptions in a row from which on others wait, so that a webhook can be tried alone. */
const WAITED_FOR_FROM = 3;
/** Alone so often, and interrupted each time: the call itself ends its worker. */
const POISON_FROM = 3;
/** How long nothing else starts while a webhook is tried alone; then it goes on as one among others. */
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

export const isPoison = ({ alone }: Suspect): boolean => alone >= POISON_FROM;

/**
 * Finds the call whose attempt ends its worker process. An interrupted webhook is tried alone where that holds up no other. From its third
 * interruption on it waits for its turn, and new attempts wait a moment for it. Only an interruption alone counts against a call.
 */
export class Isolation {
  readonly #heldBack: (() => void)[] = [];
  #inFlight = 0;
  #held = false;
  #drained: (() => void) | undefined;
  /** Suspects that wait for their turn. */
  readonly #line: (() => void)[] = [];
  #lineMoves = false;

  /** Counts an attempt as in flight: at once, and then there is nothing to wait for, unless a suspect is alone or about to be. */
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

  /**
   * A suspect that has entered is alone from now on, until its turn is over, or goes on among others: then undefined. It is counted as
   * in flight afterwards either way.
   */
  async admit({ in_a_row }: Suspect): Promise<Turn | undefined> {
    if (!this.#held && this.#inFlight === 1) {
      this.#held = true;
      return this.#turn();
    }
    if (in_a_row < WAITED_FOR_FROM) return undefined;
    this.leave();
    if (await this.#waitInLine()) {
      if (await this.#drain()) {
        this.#inFlight += 1;
        return this.#turn();
      }
      this.#release();
    }
    await this.enter();
    return undefined;
  }

  #turn(): Turn {
    return new Turn(ALONE_MS, () => this.#release());
  }

  /** True when it is this one's turn, and others are held back for it; false when that took too long. */
  #waitInLine(): Promise<boolean> {
    return new Promise((resolve) => {
      const giveUp = setTimeout(() => {
        this.#line.splice(this.#line.indexOf(turn), 1);
        resolve(false);
      }, MAX_LINE_MS);
      const turn = () => {
        clearTimeout(giveUp);
        resolve(true);
      };
      this.#line.push(turn);
      this.#moveLine();
    });
  }

  /** Attempts that were held back start first, so that a long line of suspects does not hold them up. */
  #moveLine(): void {
    if (this.#held || this.#lineMoves || this.#line.length === 0) return;
    this.#lineMoves = true;
    setImmediate(() => {
      this.#lineMoves = false;
      if (this.#held) return;
      const next = this.#line.shift();
      if (!next) return;
      // The turn must not be taken before its suspect runs.
      this.#held = true;
      next();
    });
  }

  /** True when nothing is in flight any more. */
  #drain(): Promise<boolean> {
    if (this.#inFlight === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (drained: boolean) => {
        clearTimeout(timer);
        this.#drained = undefined;
        resolve(drained);
      };
      const timer = setTimeout(end, DRAIN_MS, false);
      this.#drained = () => end(true);
    });
  }

  #release(): void {
    this.#held = false;
    const waiting = this.#heldBack.splice(0);
    this.#inFlight += waiting.length;
    for (const start of waiting) start();
    this.#moveLine();
  }
}

/** One suspect's time alone. */
export class Turn {
  readonly #timer: NodeJS.Timeout;
  readonly #release: () => void;
  #share: (() => Promise<void>) | undefined;
  #isOver = false;
  #timeIsUp = false;

  constructor(ms: number, release: () => void) {
    this.#release = release;
    this.#timer = setTimeout(() => void this.#endTime(), ms);
  }

  /** Its attempt is open. `share` records that it is not alone any more: before others start, where the attempt outlasts the turn. It does not throw. */
  async opened(share: () => Promise<void>): Promise<void> {
    this.#share = share;
    if (this.#timeIsUp) await share();
  }

  /** Its attempt has ended. */
  end(): void {
    clearTimeout(this.#timer);
    this.#finish();
  }

  async #endTime(): Promise<void> {
    this.#timeIsUp = true;
    await this.#share?.();
    this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#release();
  }
}
