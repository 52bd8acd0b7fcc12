import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';

const BUNDLE = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
const WORKFLOWS = new URL('../workflows/', import.meta.url);

/** Where `npm run build` puts the workflow code, bundled once instead of at every start. */
export const workflowBundlePath = BUNDLE;

/** A module of the workflows: compiled, or where nothing was compiled, its source. */
function pathOf(name: string): string {
  const source = fileURLToPath(new URL(`${name}.ts`, WORKFLOWS));
  return existsSync(source) ? source : fileURLToPath(new URL(`${name}.js`, WORKFLOWS));
}

/** The workflows' entry point. */
export const workflowsPath = pathOf('index');

/** Of the conversion that workflow code is bundled with: it marks what it cannot decode instead of failing the workflow task. */
export const payloadConverterPath = pathOf('payload-converter');

/** What a worker runs: the prebuilt bundle, or, where none was built, the modules, which it bundles at its start. */
export const workflowSource = (): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> =>
  existsSync(BUNDLE) ? { workflowBundle: { codePath: BUNDLE } } : { workflowsPath };
