import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';

const BUNDLE = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
const WORKFLOWS = new URL('../workflows/index', import.meta.url);

/** Where `npm run build` puts the workflow code, bundled once instead of at every start. */
export const workflowBundlePath = BUNDLE;

/** The compiled workflows' entry point. */
export const workflowsPath = fileURLToPath(`${WORKFLOWS}.js`);

/** Beside the entry point: what decodes arguments inside of workflows. */
export const payloadConverterPath = fileURLToPath(new URL('../workflows/payload-converter.js', import.meta.url));

/** What a worker runs: the prebuilt bundle, or, where none was built, the sources, which it bundles at its start. */
export function workflowSource(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  if (existsSync(BUNDLE)) return { workflowBundle: { codePath: BUNDLE } };
  const sources = fileURLToPath(`${WORKFLOWS}.ts`);
  return { workflowsPath: existsSync(sources) ? sources : workflowsPath };
}
