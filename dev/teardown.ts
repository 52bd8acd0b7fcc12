/** What must be undone, in reverse order of how it was done. (Node.js 20 has no `AsyncDisposableStack`.) */
export class Teardown {
  #steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  /** Runs every step even when one fails, and then throws what failed. A second run does nothing. */
  async run(): Promise<void> {
    const errors: unknown[] = [];
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      await step().catch((error: unknown) => errors.push(error));
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, 'Several parts did not stop cleanly');
  }
}
