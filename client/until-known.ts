import { setTimeout as delay } from 'node:timers/promises';
import { ServiceUnavailableError } from './errors/index.js';

/** Milliseconds for which a request whose answer was lost is repeated. */
const LIMIT_MS = 30_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Repeats a request that changes nothing the second time, until its outcome is known. After thirty seconds throws
 * `ServiceUnavailableError` with `outcomeUnknown`.
 */
export async function untilKnown<T>(send: (timeoutMs: number) => Promise<T>): Promise<T> {
  const until = performance.now() + LIMIT_MS;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await send(until - performance.now());
    } catch (error) {
      if (!(error instanceof ServiceUnavailableError)) throw error;
      if (performance.now() + pause >= until) throw unknown(error);
    }
    await delay(pause);
  }
}

const unknown = (cause: ServiceUnavailableError): ServiceUnavailableError =>
  new ServiceUnavailableError(`whether it took the request is not known after ${LIMIT_MS} ms`, {
    cause,
    outcomeUnknown: true,
  });
