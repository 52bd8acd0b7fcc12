import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
/** Unreachable objects are freed before it returns. */
export const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes by which the heap has grown for each of `count` runs, after a collection; a warm-up of a tenth goes before. */
export async function heapGrowth(count: number, run: (count: number) => Promise<void>): Promise<number> {
  await run(Math.ceil(count / 10));
  const before = await heapUsed();
  await run(count);
  return ((await heapUsed()) - before) / count;
}

/** What is unreachable may take a few turns of the event loop to become so. */
async function heapUsed(): Promise<number> {
  for (let round = 0; round < 5; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    collectGarbage();
  }
  return process.memoryUsage().heapUsed;
}
