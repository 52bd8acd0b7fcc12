import { writeFile } from 'node:fs/promises';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { payloadConverterPath, workflowBundlePath, workflowsPath } from './workflow-bundle.js';

const { code } = await bundleWorkflowCode({
  workflowsPath,
  payloadConverterPath,
  logger: new DefaultLogger('WARN'),
});
await writeFile(workflowBundlePath, code);
