import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { workflowInterceptorModules } from '../../worker/traced-workflows.js';
import { bundleWorkflows } from './workflow-bundle.js';

let bundled: Promise<string> | undefined;

/** File with the workflow bundle that makes spans, made once for a test file that needs it. */
export function tracedBundlePath(): Promise<string> {
  bundled ??= bundle();
  return bundled;
}

async function bundle(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'postcall-traced-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return bundleWorkflows(join(folder, 'workflow-bundle.cjs'), workflowInterceptorModules());
}
