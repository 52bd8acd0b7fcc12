import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { findTemporalCli } from '../dev/temporal-cli.js';
import { startTemporalServer, type TemporalServer } from '../dev/temporal-server.js';
import { bundleWorkflows } from './support/workflow-bundle.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** gRPC address of the Temporal dev server that all tests share. */
    temporalAddress: string;
    /** The `temporal` binary, for tests that need a server of their own. */
    temporalCli: string;
    /** File with the workflow bundle, made once from source. */
    workflowBundlePath: string;
    /** The same code, which says what it schedules. */
    replayBundlePath: string;
  }
}

const SCHEDULE_INTERCEPTORS = fileURLToPath(new URL('support/schedule-interceptors.ts', import.meta.url));

interface Shared {
  users: number;
  folder: string;
  cliPath: string;
  server: TemporalServer;
  workflowBundlePath: string;
  replayBundlePath: string;
}

/** Each project loads this file for itself, so what they share must live outside of it. */
const slot = globalThis as { postcallTestServer?: Promise<Shared> };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  slot.postcallTestServer ??= start();
  const shared = await slot.postcallTestServer;
  shared.users += 1;
  project.provide('temporalAddress', shared.server.address);
  project.provide('temporalCli', shared.cliPath);
  project.provide('workflowBundlePath', shared.workflowBundlePath);
  project.provide('replayBundlePath', shared.replayBundlePath);

  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    delete slot.postcallTestServer;
    await shared.server.stop();
    await rm(shared.folder, { recursive: true, force: true });
  };
}

async function start(): Promise<Shared> {
  const folder = await mkdtemp(join(tmpdir(), 'postcall-test-'));
  const cliPath = await findTemporalCli({ cliPath: process.env.TEMPORAL_CLI_PATH, onProgress: console.log });
  const [server, workflowBundlePath, replayBundlePath] = await Promise.all([
    startTemporalServer({ cliPath, dataDir: folder, database: 'memory', uiPort: false }),
    bundleWorkflows(join(folder, 'workflow-bundle.cjs')),
    bundleWorkflows(join(folder, 'replay-bundle.cjs'), [SCHEDULE_INTERCEPTORS]),
  ]);
  return { users: 0, folder, cliPath, server, workflowBundlePath, replayBundlePath };
}
