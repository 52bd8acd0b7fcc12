import { onTestFinished } from 'vitest';
import { answer, type Behaviour, delayed } from './behaviours.js';
import { type ReceivedRequest, Receiver } from './receiver.js';

/** Long enough for requests to be in flight whenever the break comes. */
const TAKES_MS = 25;
/** Longer than any scenario: an idle connection that the endpoint closes while it is used again would be a fault of its own. */
const KEEP_ALIVE_MS = 300_000;

/** Takes a webhook: 200 after a moment. */
export const take: Behaviour = delayed(TAKES_MS, answer(200));

/** A real receiver whose failures are known, so that its log can be compared with the store. */
export class FaultEndpoint {
  /** Default {@link take}. */
  behaviour: Behaviour = take;
  readonly receiver: Receiver;
  /** Requests that it has not taken: answered with an error, or left without an answer. */
  readonly refused = new Set<ReceivedRequest>();
  #watches: { count: number; reached: () => void }[] = [];

  static async start(): Promise<FaultEndpoint> {
    const receiver = await Receiver.start({ keepAliveTimeoutMs: KEEP_ALIVE_MS });
    onTestFinished(() => receiver.close());
    return new FaultEndpoint(receiver);
  }

  private constructor(receiver: Receiver) {
    this.receiver = receiver;
    receiver.behaviour = (request, response) => {
      this.behaviour(request, response);
      this.#notify();
    };
  }

  get requests(): readonly ReceivedRequest[] {
    return this.receiver.requests;
  }

  /** Resolves while the endpoint handles the request of this number. */
  async seen(count: number): Promise<void> {
    if (this.requests.length >= count) return;
    await new Promise<void>((reached) => {
      this.#watches.push({ count, reached });
    });
  }

  /** The behaviour, with its requests written down as not taken. */
  refusing(behaviour: Behaviour): Behaviour {
    return (request, response) => {
      this.refused.add(request);
      behaviour(request, response);
    };
  }

  /** Leaves requests without an answer until the function that it returns is called, which takes them all. */
  hold(): () => void {
    const { behaviour } = this;
    const held: (() => void)[] = [];
    this.behaviour = (request, response) => held.push(() => behaviour(request, response));
    return () => {
      this.behaviour = behaviour;
      for (const answerNow of held.splice(0)) answerNow();
    };
  }

  /** Drops every connection, and refuses new ones until {@link accept}. */
  async refuse(): Promise<void> {
    for (const request of this.requests) if (request.answered === undefined) this.refused.add(request);
    await this.receiver.close();
  }

  accept(): Promise<void> {
    return this.receiver.listen();
  }

  #notify(): void {
    const reached = this.#watches.filter(({ count }) => this.requests.length >= count);
    this.#watches = this.#watches.filter((watch) => !reached.includes(watch));
    for (const watch of reached) watch.reached();
  }
}
