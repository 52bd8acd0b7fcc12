import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { inject, onTestFinished } from 'vitest';
import { startTemporalServer, type TemporalServer, type TemporalServerOptions } from '../../dev/temporal-server.js';
import { WORKFLOW_CODE_LIMITS } from '../../worker/worker.js';
import { temporaryFolder } from './temporary-folder.js';

/** A task queue that no other test uses. */
export const freshTaskQueue = (): string => `test-${randomUUID()}`;

/** A page of a long history has more than gRPC's 4 MiB. */
const ANY_LENGTH = { 'grpc.max_receive_message_length': -1 };

/** A client of the shared server, or of `address`; closed when the test ends. */
export async function connectClient(address = inject('temporalAddress')): Promise<Client> {
  const connection = await Connection.connect({ address, channelArgs: ANY_LENGTH });
  onTestFinished(() => connection.close());
  return new Client({ connection });
}

export interface TestWorkerOptions extends Omit<WorkerOptions, 'taskQueue' | 'connection' | 'workflowsPath'> {
  taskQueue?: string;
  address?: string;
}

export interface TestWorker {
  taskQueue: string;
  /** Ends the worker gracefully; the end of the test does it otherwise. */
  stop(): Promise<void>;
}

/** A worker with the project's workflows and the given activities, on a task queue of its own. */
export async function startTestWorker(options: TestWorkerOptions = {}): Promise<TestWorker> {
  const { address = inject('temporalAddress'), taskQueue = freshTaskQueue(), ...workerOptions } = options;
  quietRuntime();
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    workflowBundle: { codePath: inject('workflowBundlePath') },
    ...WORKFLOW_CODE_LIMITS,
    ...workerOptions,
    connection,
    taskQueue,
  });
  const running = worker.run();
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
      await connection.close();
    })();
    return stopped;
  };
  onTestFinished(stop);
  return { taskQueue, stop };
}

/** A Temporal server of the test's own, for tests that stop, kill and start it again. `dataDir` is removed with it. */
export async function startOwnTemporalServer(options: Partial<TemporalServerOptions> = {}): Promise<TemporalServer> {
  const server = await startTemporalServer({
    cliPath: inject('temporalCli'),
    uiPort: false,
    dataDir: options.dataDir ?? (await temporaryFolder()),
    ...options,
  });
  onTestFinished(() => server.stop());
  return server;
}

let quiet = false;

/** One runtime per process; it logs what a test should look at, and nothing else. */
export function quietRuntime(): void {
  if (quiet) return;
  quiet = true;
  Runtime.install({ logger: new DefaultLogger('ERROR') });
}
