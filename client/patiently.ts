import { setTimeout as delay } from 'node:timers/promises';
import { ServiceUnavailableError } from './errors/index.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** Repeats a request while the service is unavailable, for `limitMs` at most; then throws the last error. `send` gets the time that is left. */
export async function patiently<T>(limitMs: number, send: (timeoutMs: number) => Promise<T>): Promise<T> {
  const until = performance.now() + limitMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await send(until - performance.now());
    } catch (error) {
      if (!(error instanceof ServiceUnavailableError) || performance.now() + pause >= until) throw error;
    }
    await delay(pause);
  }
}
