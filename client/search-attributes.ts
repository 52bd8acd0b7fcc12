import type { SearchAttributePair } from '@temporalio/common';
import { ServiceRefusedError } from './errors/index.js';

/** For which a server that refused them is not asked again: each refusal costs a start another request. */
const REFUSED_FOR_MS = 60_000;

/** The options of a start with one argument, and the attributes that it carries where the server takes them. */
export interface AttributedStart {
  args?: unknown;
  attributes?: SearchAttributePair[];
}

/**
 * Whether starts carry search attributes. A server that does not know one of them refuses the whole start. A workflow that sets such a one
 * would never go on, so the input of a start says whether it carries them.
 */
export class SearchAttributeUse {
  readonly #enabled: boolean;
  #refusedUntil = Number.NEGATIVE_INFINITY;

  constructor(enabled: boolean) {
    this.#enabled = enabled;
  }

  /** Runs `start` with them; where the server refuses that, at once without them. */
  async start<Result>(
    { attributes, ...options }: AttributedStart,
    start: (options: object) => Promise<Result>,
  ): Promise<Result> {
    if (!attributes || !this.#mayCarry) return start(options);
    const [input] = options.args as [object];
    const args = [{ ...input, search_attributes: true }];
    try {
      return await start({ ...options, args, typedSearchAttributes: attributes });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#refusedUntil = performance.now() + REFUSED_FOR_MS;
      return start(options);
    }
  }

  get #mayCarry(): boolean {
    return this.#enabled && performance.now() >= this.#refusedUntil;
  }
}

/** Temporal names none of these errors but in words: no mapping, not defined, another type. */
const isRefusal = (error: unknown): boolean =>
  error instanceof ServiceRefusedError && error.forContent && /search attribute/i.test(error.message);
