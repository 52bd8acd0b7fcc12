import { createRequire } from 'node:module';
import { isMissingModule, WORKFLOW_INTERCEPTORS } from '../telemetry/index.js';

const { resolve } = createRequire(import.meta.url);

/** What workflow code is bundled with to make spans. None where the package was not installed. */
export function workflowInterceptorModules(): string[] {
  try {
    return [resolve(WORKFLOW_INTERCEPTORS)];
  } catch (error) {
    if (isMissingModule(error)) return [];
    throw error;
  }
}
