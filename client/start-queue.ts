import type { BatchStart } from './batch-start.js';

/** Calls of a group. */
export const MAX_GROUP_CALLS = 500;
/** 500 URLs of 2,048 non-ASCII characters do not fit into Temporal's 2 MiB. */
const MAX_GROUP_BYTES = 512 * 1_024;

/** A request that waits for its start. */
export interface WaitingStart {
  start: BatchStart;
  /** By `performance.now()`. */
  since: number;
  resolve(batchId: string): void;
  reject(error: unknown): void;
}

/** Requests in the order in which they came. */
export class StartQueue {
  #waiting: WaitingStart[] = [];
  #calls = 0;
  #bytes = 0;

  constructor(readonly maxCalls: number = MAX_GROUP_CALLS) {}

  get length(): number {
    return this.#waiting.length;
  }

  /** Of how many groups one more request would have to wait for the last. */
  groupsWith({ request, bytes }: BatchStart): number {
    const byCalls = (this.#calls + request.call_ids.length) / this.maxCalls;
    return Math.ceil(Math.max(byCalls, (this.#bytes + bytes) / MAX_GROUP_BYTES));
  }

  add(waiting: WaitingStart): void {
    this.#waiting.push(waiting);
    this.#calls += waiting.start.request.call_ids.length;
    this.#bytes += waiting.start.bytes;
  }

  /** Takes the next group: at least one request, where there is any. */
  takeGroup(): WaitingStart[] {
    let calls = 0;
    let bytes = 0;
    const end = this.#waiting.findIndex(({ start }, index) => {
      calls += start.request.call_ids.length;
      bytes += start.bytes;
      return index > 0 && (calls > this.maxCalls || bytes > MAX_GROUP_BYTES);
    });
    return this.#take(end < 0 ? this.#waiting.length : end);
  }

  /** Takes those that have waited since before a time. */
  takeOlderThan(time: number): WaitingStart[] {
    const end = this.#waiting.findIndex(({ since }) => since >= time);
    return this.#take(end < 0 ? this.#waiting.length : end);
  }

  #take(count: number): WaitingStart[] {
    const taken = this.#waiting.splice(0, count);
    for (const { start } of taken) {
      this.#calls -= start.request.call_ids.length;
      this.#bytes -= start.bytes;
    }
    return taken;
  }
}
