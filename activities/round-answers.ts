/** Longest that an answer waits for others: it holds one of the worker's slots for local activities. */
const GATHER_MS = 50;

/**
 * Lets local activities of one workflow run answer together. Each answer alone would wake the workflow, which goes on only when its whole
 * round has been answered: waking it is what costs most in a round. An answer waits while others of its run are still to come.
 */
export class RoundAnswers {
  readonly #rounds = new Map<string, Round>();
  readonly #gatherMs: number;

  constructor(gatherMs = GATHER_MS) {
    this.#gatherMs = gatherMs;
  }

  /** One more answer is to come. The function that is returned takes it. */
  expect(runId: string): (answer: () => void) => void {
    const round = this.#rounds.get(runId) ?? new Round(this.#gatherMs, () => this.#rounds.delete(runId));
    this.#rounds.set(runId, round);
    round.toCome++;
    return (answer) => round.take(answer);
  }
}

class Round {
  toCome = 0;
  #answers: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  readonly #gatherMs: number;
  readonly #over: () => void;

  constructor(gatherMs: number, over: () => void) {
    this.#gatherMs = gatherMs;
    this.#over = over;
  }

  take(answer: () => void): void {
    this.toCome--;
    this.#answers.push(answer);
    if (this.toCome === 0) this.#release();
    else this.#timer ??= setTimeout(() => this.#release(), this.#gatherMs);
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const answers = this.#answers;
    this.#answers = [];
    if (this.toCome === 0) this.#over();
    for (const answer of answers) answer();
  }
}
