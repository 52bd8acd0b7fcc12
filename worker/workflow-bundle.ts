import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';

const BUNDLE = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
const TRACED_BUNDLE = fileURLToPath(new URL('../traced-workflow-bundle.js', import.meta.url));
const WORKFLOWS = new URL('../workflows/', import.meta.url);

/** Where `npm run build` puts the workflow code, bundled once instead of at every start. */
export const workflowBundlePath = BUNDLE;

/** The same code with interceptors that make spans, where their package was installed. */
export const tracedWorkflowBundlePath = TRACED_BUNDLE;

/** A module of the workflows: compiled, or where nothing was compiled, its source. */
function pathOf(name: string): string {
  const source = fileURLToPath(new URL(`${name}.ts`, WORKFLOWS));
  return existsSync(source) ? source : fileURLToPath(new URL(`${name}.js`, WORKFLOWS));
}

/** The workflows' entry point. */
export const workflowsPath = pathOf('index');

/** Of the conversion that workflow code is bundled with: it marks what it cannot decode instead of failing the workflow task. */
export const payloadConverterPath = pathOf('payload-converter');

type WorkflowSource = Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>;

/** What a worker runs: the prebuilt bundle, or, where none was built, the modules, which it bundles at its start. */
export const workflowSource = ({ traced = false } = {}): WorkflowSource => {
  const codePath = traced ? TRACED_BUNDLE : BUNDLE;
  return existsSync(codePath) ? { workflowBundle: { codePath } } : { workflowsPath };
};
