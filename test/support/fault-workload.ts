import { setTimeout as delay } from 'node:timers/promises';
import { type BatchHandle, type CreateRequest, ServiceUnavailableError } from '../../client/index.js';
import type { BatchOptions, BatchResult } from '../../contract/index.js';
import { sampleCalls } from '../../dev/sample-calls/index.js';
import { type CallRecord, openStore, type StoreOptions } from '../../store/index.js';
import { type CreatesOptions, createOneByOne, type Told } from './fault-creates.js';
import type { Random } from './fault-random.js';
import { inParallel } from './in-parallel.js';
import { freshUser } from './stack.js';

/** Requests to the workflow service at once. */
const CONCURRENCY = 20;
const RETRY_INTERVAL_MS = 250;

/** Realistic calls with IDs that are the same each time. */
function faultCalls(count: number, userId: string, prefix: string): CallRecord[] {
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

export interface SendOptions extends BatchOptions {
  webhook_url: string;
}

/** Starts a batch; the same request again is answered with the same batch. Throws `ServiceUnavailableError` where it may be repeated. */
export type Starter = (request: CreateRequest) => Promise<BatchHandle>;

/** The calls of one scenario and the batches that send them, as a careful caller starts them. */
export class Workload {
  /** How many there are so far. */
  calls = 0;
  /** Why a batch could not be started; undefined while all goes well. */
  failure: Error | undefined;
  /** Batches that were accepted so far. */
  accepted = 0;
  readonly #create: Starter;
  readonly #store: StoreOptions;
  readonly userId: string;
  readonly #starts: Promise<BatchHandle[]>[] = [];

  /** `userId`: of this run alone, since idempotency keys are a user's and the Temporal server may be shared. */
  constructor(create: Starter, store: StoreOptions, userId = freshUser()) {
    this.#create = create;
    this.#store = store;
    this.userId = userId;
  }

  /** Imports calls and starts batches of these sizes. Resolves when the calls are there; the batches start meanwhile. */
  async send(sizes: readonly number[], { webhook_url, ...options }: SendOptions): Promise<void> {
    const callIds = await this.import(sum(sizes));
    const batches = sizes.map((size) => callIds.splice(0, size));
    const start = inParallel(CONCURRENCY, batches, (call_ids) => this.#start({ call_ids, webhook_url, options }));
    // The results reject with it, too.
    start.catch((error: Error) => {
      this.failure ??= error;
    });
    this.#starts.push(start);
  }

  /** Imports calls and creates a webhook for each by an HTTP request of its own. Resolves when the calls are there, to what will be told. */
  async createOneByOne(count: number, options: Omit<CreatesOptions, 'apiKey'>): Promise<{ told: Promise<Told> }> {
    const callIds = await this.import(count);
    const store = await openStore(this.#store);
    const { key } = await store.createApiKey(this.userId);
    await store.close();
    const told = createOneByOne(callIds, { ...options, apiKey: key });
    told.catch(() => undefined); // It is awaited later.
    return { told };
  }

  /** One request for each call; resolves when each is accepted. */
  async createAgain(callIds: readonly string[], webhook_url: string): Promise<void> {
    const create = (callId: string) =>
      whenAvailable(() => this.#create({ user_id: this.userId, call_ids: [callId], webhook_url }));
    await inParallel(CONCURRENCY, callIds, create);
  }

  /** Once their workflows are started. */
  async batches(): Promise<BatchHandle[]> {
    return (await Promise.all(this.#starts)).flat();
  }

  /** Waits for the end of every batch, through absences of the service, until the signal is aborted. */
  async results(signal: AbortSignal): Promise<BatchResult[]> {
    return inParallel(CONCURRENCY, await this.batches(), (batch) => whenAvailable(() => batch.result({ signal })));
  }

  /** Puts so many calls where the worker finds them. */
  async import(count: number): Promise<string[]> {
    const calls = faultCalls(count, this.userId, `call-${this.calls}`);
    this.calls += count;
    const store = await openStore(this.#store);
    await store.upsertCalls(calls);
    await store.close();
    return calls.map(({ call_id }) => call_id);
  }

  /** While the service is away, the request is repeated under its idempotency key. */
  async #start(request: { call_ids: string[]; webhook_url: string; options: BatchOptions }): Promise<BatchHandle> {
    const [idempotency_key = ''] = request.call_ids;
    const batch = await whenAvailable(() => this.#create({ ...request, user_id: this.userId, idempotency_key }));
    this.accepted += 1;
    return batch;
  }
}

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

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
