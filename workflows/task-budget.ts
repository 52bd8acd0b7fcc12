import type { RegisterResult } from '../contract/delivery.js';

/** A chain of local activities is one workflow task: no query, no signal and no shutdown until it ends. */
const MAX_TASK_MS = 500;
/** At about 12,000 markers the task's completion would pass gRPC's 4 MiB, and be repeated for ever. */
const MAX_TASK_MARKERS = 500;
const MAX_TASK_BYTES = 256 * 1_024;
/** Of a marker without its result. */
const MARKER_BYTES = 300;
const ENDPOINT_BYTES = 180;

/** Counts what the workflow task under way has taken. */
export class TaskBudget {
  #ms = 0;
  #markers = 0;
  #bytes = 0;

  get isUsedUp(): boolean {
    return this.#ms >= MAX_TASK_MS || this.#markers >= MAX_TASK_MARKERS || this.#bytes >= MAX_TASK_BYTES;
  }

  /** Counted in full although rounds overlap: a task ends early rather than late. The round that is still under way comes on top. */
  round(attempts: number, ms: number): void {
    this.#ms += ms;
    this.#markers += attempts;
    this.#bytes += attempts * MARKER_BYTES;
  }

  registration(result: RegisterResult): void {
    if (result.kind === 'registered' && result.parts.length === 0) return;
    this.#markers += 1;
    this.#ms += result.took;
    if (result.kind !== 'registered') return;
    for (const { endpoints, standings, call_count } of weightsOf(result)) {
      this.#bytes += endpoints * ENDPOINT_BYTES + standings * 60 + call_count * 5;
    }
  }

  /** Run together. */
  statements(count: number, ms: number): void {
    this.#ms += ms;
    this.#markers += count;
  }

  /** The task has ended, or what is left of it takes one chain more. */
  renew(): void {
    this.#ms = 0;
    this.#markers = 0;
    this.#bytes = 0;
  }
}

const weightsOf = ({ parts }: Extract<RegisterResult, { kind: 'registered' }>) =>
  parts.map(({ endpoints, standings, endpoint_of }) => ({
    endpoints: endpoints.length,
    standings: standings.length,
    call_count: typeof endpoint_of === 'number' ? 0 : endpoint_of.length,
  }));
