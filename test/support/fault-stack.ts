import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { expect, inject, onTestFinished } from 'vitest';
import { type CreateRequest, PostcallClient } from '../../client/index.js';
import type { BatchResult } from '../../contract/index.js';
import { openStore } from '../../store/index.js';
import { type Audit, audit, type Break, type RecordedCall } from './fault-audit.js';
import type { CreatesOptions, Told } from './fault-creates.js';
import { FaultDatabase } from './fault-database.js';
import { FaultEndpoint } from './fault-endpoint.js';
import { type Random, randomOf } from './fault-random.js';
import { recordResult } from './fault-results.js';
import { type SendOptions, type Starter, sum, Workload } from './fault-workload.js';
import type { ReceivedRequest } from './receiver.js';
import { connectClient, freshTaskQueue } from './temporal.js';
import { type EntryPoint, WorkerProcess } from './worker-process.js';

/** The built API, as `npm run api` runs it. */
const API = fileURLToPath(new URL('../../dist/api/main.js', import.meta.url));
const CLIENT = fileURLToPath(new URL('./creating-client.mjs', import.meta.url));
/** A scenario that takes longer to recover has not recovered. */
const RECOVERY_LIMIT_MS = 150_000;
/** A statement that a killed worker had sent may be committed this much later. */
const LAST_STATEMENT_MS = 1_000;
const RUN_POLL_MS = 20;
/** Workflows that an account of what has not recovered names. */
const MAX_DESCRIBED = 5;

/** What suits most scenarios: retries within seconds, and an attempt that a dead worker left open is given up after 5 s. */
export const FAULT_ENVIRONMENT = {
  POSTCALL_ALLOW_NETWORKS: '127.0.0.0/8',
  POSTCALL_RETRY_SCHEDULE: '1s,2s,5s',
  POSTCALL_ATTEMPT_TIMEOUT: '3s',
  POSTCALL_PROBE_INTERVAL: '2s',
};

export interface FaultStackOptions {
  /** As the table names it; its randomness hangs on it. */
  scenario: string;
  store: { databaseUrl: string } | { dataDir: string };
  /** Default: the Temporal server that all tests share. */
  temporalAddress?: string;
  /** Default: one of its own. */
  taskQueue?: string;
  /** Whose calls they are. Default: a user of its own. */
  userId?: string;
  /** How batches are started. Default: by a client. */
  starter?: (client: PostcallClient) => Starter;
  /** For the workers, beyond what suits most scenarios. */
  environment?: Record<string, string>;
}

/** What a scenario needs beside its workers. */
export interface Part {
  /** That it has ended by itself; undefined while all is well. */
  readonly failure: string | undefined;
  /** How it stands, for an account of what has not recovered. */
  account(): Promise<string>;
}

/** What may have happened in a scenario beside its deliveries; see the audit. */
export interface Allowance {
  breaks?: Break[];
  uncertain?: RegExp;
  /** Endpoints beside the stack's own. */
  elsewhere?: FaultEndpoint[];
}

export interface Conclusion extends Audit {
  calls: RecordedCall[];
  requests: ReceivedRequest[];
}

/** One scenario: workers as processes, a database and an endpoint that are its own, and an account of what came of it. */
export class FaultStack {
  readonly random: Random;
  readonly endpoint: FaultEndpoint;
  readonly database: FaultDatabase;
  readonly #options: FaultStackOptions;
  readonly #temporal: Client;
  readonly #taskQueue: string;
  readonly #workload: Workload;
  readonly #workerEnvironment: Record<string, string>;
  readonly #workers: WorkerProcess[] = [];
  readonly #parts: Part[] = [];
  #healedAt = Date.now();

  static async start(options: FaultStackOptions): Promise<FaultStack> {
    const temporalAddress = options.temporalAddress ?? inject('temporalAddress');
    const taskQueue = options.taskQueue ?? freshTaskQueue();
    const temporal = await connectClient(temporalAddress);
    const client = new PostcallClient({ client: temporal, taskQueue });
    onTestFinished(() => client.close());
    const database = new FaultDatabase(options.store);
    onTestFinished(() => database.close());
    const environment = {
      TEMPORAL_ADDRESS: temporalAddress,
      TEMPORAL_TASK_QUEUE: taskQueue,
      ...('databaseUrl' in options.store
        ? { DATABASE_URL: options.store.databaseUrl }
        : { POSTCALL_DATA_DIR: options.store.dataDir }),
      ...FAULT_ENVIRONMENT,
      ...options.environment,
    };
    const starter = options.starter?.(client) ?? ((request: CreateRequest) => client.create(request));
    const workload = new Workload(starter, options.store, options.userId);
    return new FaultStack(options, temporal, workload, database, await FaultEndpoint.start(), environment);
  }

  private constructor(
    options: FaultStackOptions,
    temporal: Client,
    workload: Workload,
    database: FaultDatabase,
    endpoint: FaultEndpoint,
    workerEnvironment: Record<string, string>,
  ) {
    this.#options = options;
    this.#temporal = temporal;
    this.#workload = workload;
    this.#workerEnvironment = workerEnvironment;
    this.#taskQueue = workerEnvironment.TEMPORAL_TASK_QUEUE ?? '';
    this.database = database;
    this.endpoint = endpoint;
    this.random = randomOf(options.scenario);
  }

  /** `program`: what to run in place of the worker's own entry point. */
  async startWorker(environment: Record<string, string> = {}, program?: EntryPoint): Promise<WorkerProcess> {
    const worker = await WorkerProcess.start({ ...this.#workerEnvironment, ...environment }, program);
    this.watch(worker);
    return worker;
  }

  /** Starts the HTTP API as a process of its own; at `port`, which a successor can take over. */
  async startApi(port: number): Promise<WorkerProcess> {
    const environment = { ...this.#workerEnvironment, PORT: `${port}`, POSTCALL_RATE_LIMIT: '1000000' };
    const api = await WorkerProcess.start(environment, { entry: API, prints: 'the API runs' });
    this.watch(api);
    return api;
  }

  /** Starts a client as a process of its own, which creates a webhook for each of so many calls by a request of its own. */
  async startClient(count: number): Promise<{ client: WorkerProcess; callIds: string[] }> {
    const callIds = await this.#workload.import(count);
    const environment = {
      ...this.#workerEnvironment,
      USER_ID: this.#workload.userId,
      WEBHOOK_URL: this.endpoint.receiver.url,
      CALL_IDS: JSON.stringify(callIds),
    };
    return { client: await WorkerProcess.start(environment, { entry: CLIENT, prints: 'the client runs' }), callIds };
  }

  /** Creates webhooks for calls that may have one. */
  async createAgain(callIds: readonly string[]): Promise<void> {
    await this.#workload.createAgain(callIds, this.endpoint.receiver.url);
  }

  /** Has a webhook created for each of so many calls by a request of its own to the API at `port`. Resolves when the calls are there, to what will be told. */
  async createOneByOne(
    count: number,
    port: number,
    options: Pick<CreatesOptions, 'hangUps'> = {},
  ): Promise<{ told: Promise<Told> }> {
    return this.#workload.createOneByOne(count, {
      origin: `http://127.0.0.1:${port}`,
      webhook_url: this.endpoint.receiver.url,
      random: this.random.for('clients'),
      ...options,
    });
  }

  /** Holds the scenario to a worker that was started elsewhere: it must not end by itself, and is stopped at the end. */
  watch(worker: WorkerProcess): void {
    this.#workers.push(worker);
  }

  /** Holds the scenario to a part of another kind: it must not end by itself. */
  holdTo(part: Part): void {
    this.#parts.push(part);
  }

  /** Imports calls and starts batches of these sizes. Resolves when the calls are there; the batches start meanwhile. */
  async send(sizes: readonly number[], options: Partial<SendOptions> = {}): Promise<void> {
    await this.#workload.send(sizes, { webhook_url: this.endpoint.receiver.url, ...options });
  }

  /** Resolves when the endpoint has seen a random number of requests: a fifth to three fifths of what was sent. */
  async untilMidway(): Promise<void> {
    await this.untilSeen(
      this.random.for('break').integer(Math.ceil(this.#workload.calls / 5), Math.floor((this.#workload.calls * 3) / 5)),
    );
  }

  /** Resolves at the moment at which the first batch's workflow has gone on as a run beyond this one, or its first; with the new run's ID. */
  async untilNextRun(known?: string): Promise<string> {
    const [batch] = await this.#workload.batches();
    if (!batch) throw new Error('nothing was sent');
    const workflow = this.#temporal.workflow.getHandle(batch.workflowId);
    for (;;) {
      const { runId, status, raw } = await workflow.describe();
      if (runId !== (known ?? raw.workflowExecutionInfo?.firstRunId)) return runId;
      if (status.name !== 'RUNNING') throw new Error(this.#report(`the workflow is ${status.name} without a next run`));
      await delay(RUN_POLL_MS);
    }
  }

  /** Resolves while an endpoint, by default the stack's own, handles the request of this number. */
  async untilSeen(count: number, endpoint = this.endpoint): Promise<void> {
    const reached = endpoint.seen(count).then(() => true);
    // What was never started is never seen.
    const started = this.#workload.batches().then(() => reached);
    const limit = new AbortController();
    const tooLate = delay(RECOVERY_LIMIT_MS, false, { signal: limit.signal }).catch(() => false);
    const isSeen = await Promise.race([reached, started, tooLate]);
    limit.abort();
    if (!isSeen) throw new Error(this.#report(`${endpoint.requests.length} requests were seen, not ${count}`));
  }

  /** Runs what cuts a worker off, and says when that was. */
  async break(fault: () => Promise<void> | void): Promise<Break> {
    await fault();
    const from = await this.database.now();
    return { from, to: from + LAST_STATEMENT_MS };
  }

  /** The fault is over: recovery is measured from here. */
  healed(): void {
    this.#healedAt = Date.now();
  }

  /** Waits until everything is settled, stops the workers, and compares the endpoint's log with the store. */
  async conclude(allowance: Allowance = {}): Promise<Conclusion> {
    await this.#untilSettled();
    const results = await this.#results();
    const exits = await Promise.all(this.#workers.filter(({ isRunning }) => isRunning).map((worker) => worker.stop()));
    const conclusion = await this.#audit(allowance);
    await this.#record(conclusion, allowance);

    expect(conclusion.problems, this.#reproduce).toEqual([]);
    const sent = sum(results.map(({ total }) => total));
    expect(sum(results.map(({ delivered }) => delivered)), this.#reproduce).toBe(sent);
    for (const exit of exits) expect(exit, this.#reproduce).toEqual({ code: 0, signal: null });
    return conclusion;
  }

  get #reproduce(): string {
    return `FAULT_SEED=${inject('faultSeed')} reproduces "${this.#options.scenario}"`;
  }

  async #untilSettled(): Promise<void> {
    const limit = AbortSignal.timeout(RECOVERY_LIMIT_MS);
    for (;;) {
      this.#requireLivingWorkers();
      this.#requireParts();
      this.#requireStarts();
      const statuses = await this.#statuses();
      const { delivered = 0, failed = 0, canceled = 0 } = statuses;
      if (delivered + failed + canceled === this.#workload.calls) return;
      if (limit.aborted) throw new Error(this.#report(await this.#account(statuses)));
      await delay(100);
    }
  }

  async #account(statuses: Record<string, number>): Promise<string> {
    const { calls, accepted } = this.#workload;
    const running = await this.#running().catch((error: Error) => [error.message]);
    const parts = await Promise.all(this.#parts.map((part) => part.account().catch((error: Error) => error.message)));
    return [
      `of ${calls} calls: ${JSON.stringify(statuses)}, in ${accepted} batches that were accepted; still running:`,
      ...running,
      ...parts,
    ].join('\n');
  }

  async #running(): Promise<string[]> {
    const query = `TaskQueue = '${this.#taskQueue}' and ExecutionStatus = 'Running'`;
    const running: string[] = [];
    for await (const { workflowId } of this.#temporal.workflow.list({ query })) {
      if (running.length === MAX_DESCRIBED) break;
      running.push(await this.#standing(workflowId));
    }
    return running;
  }

  /** What the server waits for. */
  async #standing(workflowId: string): Promise<string> {
    const { raw, historyLength } = await this.#temporal.workflow.getHandle(workflowId).describe();
    const { pendingWorkflowTask, pendingActivities } = raw;
    return JSON.stringify({ workflowId, historyLength, pendingWorkflowTask, pendingActivities });
  }

  /** The database may be the very thing that is away. */
  async #statuses(): Promise<Record<string, number>> {
    try {
      return await this.database.statuses();
    } catch (error) {
      return { [`unknown (${(error as Error).message})`]: this.#workload.calls };
    }
  }

  #requireLivingWorkers(): void {
    if (this.#workers.some(({ hasFailed }) => hasFailed)) throw new Error(this.#report('a worker has ended by itself'));
  }

  #requireParts(): void {
    for (const { failure } of this.#parts) if (failure !== undefined) throw new Error(this.#report(failure));
  }

  #requireStarts(): void {
    const { failure } = this.#workload;
    if (failure) throw new Error(this.#report(`a batch could not be started: ${failure.message}`), { cause: failure });
  }

  async #results(): Promise<BatchResult[]> {
    const limit = AbortSignal.timeout(RECOVERY_LIMIT_MS);
    try {
      return await this.#workload.results(limit);
    } catch (error) {
      if (!limit.aborted) throw error;
      throw new Error(this.#report('every call is settled, but not every batch has ended'), { cause: error });
    }
  }

  async #audit({ breaks = [], uncertain, elsewhere = [] }: Allowance): Promise<Conclusion> {
    const calls = await this.#recordedCalls();
    const endpoints = [this.endpoint, ...elsewhere];
    const requests = endpoints.flatMap((endpoint) => endpoint.requests);
    const refused = new Set(endpoints.flatMap((endpoint) => [...endpoint.refused]));
    return { calls, requests, ...audit({ calls, requests, refused, breaks, ...(uncertain && { uncertain }) }) };
  }

  /** An embedded database was served by the stack, which has ended. */
  async #recordedCalls(): Promise<RecordedCall[]> {
    const store = await openStore(this.#options.store);
    try {
      return await this.database.recordedCalls();
    } finally {
      await store.close();
    }
  }

  async #record({ lost, duplicates, cutOff, calls, requests }: Conclusion, { breaks }: Allowance): Promise<void> {
    const last = Math.max(this.#healedAt, ...requests.map(({ receivedAt }) => receivedAt));
    await recordResult(inject('faultResults'), {
      scenario: this.#options.scenario,
      calls: calls.length,
      lost: lost.length,
      duplicates,
      cut_off: breaks ? cutOff.length : null,
      recovery_s: (last - this.#healedAt) / 1_000,
    });
  }

  #report(problem: string): string {
    const logs = this.#workers.map(({ lastWords }, index) => `worker ${index + 1}:\n${lastWords}`);
    return [`${problem}; ${this.#reproduce}`, ...logs].join('\n');
  }
}
