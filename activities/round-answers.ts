import type { RoundRef } from '../contract/index.js';

/** Longest that an answer waits for others: it holds one of the worker's slots for local activities. */
const GATHER_MS = 50;

/**
 * Lets the attempts of one round answer together. Each answer alone would wake the workflow, which goes on only when the whole round has
 * been answered: waking it is what costs most in a round.
 */
export class RoundAnswers {
  readonly #rounds = new Map<string, Round>();
  readonly #gatherMs: number;

  constructor(gatherMs = GATHER_MS) {
    this.#gatherMs = gatherMs;
  }

  /** One more answer is to come. The function that is returned takes it, and gives it with the last of its round, or after 50 ms. */
  expect(runId: string, { number, size }: RoundRef): (answer: () => void) => void {
    const id = `${runId}/${number}`;
    const round = this.#rounds.get(id) ?? new Round(size, this.#gatherMs, () => this.#rounds.delete(id));
    this.#rounds.set(id, round);
    round.begin();
    return (answer) => round.take(answer);
  }
}

class Round {
  #answers: (() => void)[] = [];
  /** Begun, and not answered. */
  #open = 0;
  #notBegun: number;
  #timer: NodeJS.Timeout | undefined;
  readonly #gatherMs: number;
  readonly #over: () => void;

  constructor(size: number, gatherMs: number, over: () => void) {
    this.#notBegun = size;
    this.#gatherMs = gatherMs;
    this.#over = over;
  }

  begin(): void {
    this.#open += 1;
    this.#notBegun -= 1;
  }

  take(answer: () => void): void {
    this.#open -= 1;
    this.#answers.push(answer);
    if (this.#open === 0 && this.#notBegun <= 0) this.#release();
    else this.#timer ??= setTimeout(() => this.#release(), this.#gatherMs);
  }

  /** A repeated workflow task does not repeat those of the round that were recorded: what has begun may be all that comes. */
  #release(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const answers = this.#answers;
    this.#answers = [];
    if (this.#open === 0) this.#over();
    for (const answer of answers) answer();
  }
}
