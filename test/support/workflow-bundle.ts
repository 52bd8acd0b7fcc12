import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const WORKFLOWS = new URL('../../workflows/', import.meta.url);

/** Bundles the workflows from source into a file, and answers its path. */
export async function bundleWorkflows(path: string, interceptors: string[] = []): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('index.ts', WORKFLOWS)),
    payloadConverterPath: fileURLToPath(new URL('payload-converter.ts', WORKFLOWS)),
    workflowInterceptorModules: interceptors,
    logger: new DefaultLogger('WARN'),
  });
  await writeFile(path, code);
  return path;
}
