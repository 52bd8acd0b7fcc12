import { writeFile } from 'node:fs/promises';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { workflowInterceptorModules } from './traced-workflows.js';
import {
  payloadConverterPath,
  tracedWorkflowBundlePath,
  workflowBundlePath,
  workflowsPath,
} from './workflow-bundle.js';

async function bundle(path: string, interceptors: string[] = []): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    payloadConverterPath,
    workflowInterceptorModules: interceptors,
    logger: new DefaultLogger('WARN'),
  });
  await writeFile(path, code);
}

await bundle(workflowBundlePath);
const interceptors = workflowInterceptorModules();
if (interceptors.length > 0) await bundle(tracedWorkflowBundlePath, interceptors);
