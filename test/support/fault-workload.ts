import { setTimeout as delay } from 'node:timers/promises';
import { type BatchHandle, type PostcallClient, ServiceUnavailableError } from '../../client/index.js';
import type { BatchOptions, BatchResult } from '../../contract/index.js';
import { sampleCalls } from '../../dev/sample-calls/index.js';
import type { CallRecord } from '../../store/index.js';
import type { Random } from './fault-random.js';

/** Requests to the workflow service at once. */
const CONCURRENCY = 20;
const RETRY_INTERVAL_MS = 250;

/** Realistic calls with IDs that are the same each time. */
export function faultCalls(count: number, userId: string, prefix: string): CallRecord[] {
  const samples = sampleCalls();
  return Array.from({ length: count }, (_, index) => {
    const call_id = `${prefix}-${index}`;
    return { call_id, user_id: userId, data: { ...samples[index % samples.length], call_id } };
  });
}

/** Cuts calls into batches of 1 and of 100 to 200 in a random order; at least 500 calls, a fifth of them alone. */
export function mixedBatches(random: Random, calls = random.integer(500, 600)): number[] {
  const singles = Math.floor(calls / 5);
  const large: number[] = [];
  for (let left = calls - singles; left > 0; ) {
    const size = left < 200 ? left : random.integer(100, Math.min(200, left - 100));
    large.push(size);
    left -= size;
  }
  return random.shuffled([...large, ...new Array<number>(singles).fill(1)]);
}

export interface BatchRequest {
  call_ids: string[];
  user_id: string;
  webhook_url: string;
  options?: BatchOptions;
}

/** Starts batches as a careful caller does: while the service is away it repeats the request under its idempotency key. */
export async function startBatches(client: PostcallClient, requests: readonly BatchRequest[]): Promise<BatchHandle[]> {
  return inParallel(requests, (request) =>
    whenAvailable(() => client.create({ ...request, idempotency_key: request.call_ids[0] ?? '' })),
  );
}

/** The batches' results, waited for through absences of the service. */
export const resultsOf = (batches: readonly BatchHandle[], signal: AbortSignal): Promise<BatchResult[]> =>
  inParallel(batches, (batch) => whenAvailable(() => batch.result({ signal })));

async function whenAvailable<T>(request: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof ServiceUnavailableError)) throw error;
      await delay(RETRY_INTERVAL_MS);
    }
  }
}

/** In the order of the items, a bounded number at once. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const rest = items.entries();
  const lane = async () => {
    for (const [index, item] of rest) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
  return results;
}
