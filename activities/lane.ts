import { heartbeat } from '@temporalio/activity';

/** Well below the heartbeat timeout of 10 s, by which a dead worker is noticed. */
const HEARTBEAT_INTERVAL_MS = 2_000;

export const OUTLASTED = Symbol('the express lane lost its patience');

/** Waits for the attempt, but not longer than `patienceMs`: a local activity holds its workflow task open. */
export async function withPatience<T>(attempt: Promise<T>, patienceMs: number): Promise<T | typeof OUTLASTED> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<typeof OUTLASTED>((resolve) => {
    timer = setTimeout(resolve, patienceMs, OUTLASTED);
  });
  try {
    return await Promise.race([attempt, patience]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for the attempt while telling the server that this worker lives. A cancellation does not cut an attempt short. */
export async function withHeartbeats<T>(attempt: Promise<T>): Promise<T> {
  const beat = setInterval(heartbeat, HEARTBEAT_INTERVAL_MS);
  try {
    return await attempt;
  } finally {
    clearInterval(beat);
  }
}
