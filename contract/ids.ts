/** The one module that maps batch IDs to workflow IDs and back. A batch ID is `<workflow part>.<suffix>`. */

const WORKFLOW_PREFIX = 'postcall-';
/** Every batch ID, and nothing else. */
export const BATCH_ID = /^[\w-]{1,64}\.[\w-]{1,64}$/;

/** Workflow ID of a batch: several small requests may share one. */
export const workflowIdOf = (batchId: string): string =>
  WORKFLOW_PREFIX + batchId.slice(0, Math.max(0, batchId.indexOf('.')));

/** The batch's ID in the workflow that the part before the dot names. */
export const batchId = (workflowPart: string, suffix: string): string => `${workflowPart}.${suffix}`;

/** False for a text that names no batch: it must not reach a foreign workflow. */
export const isBatchId = (value: string): boolean => BATCH_ID.test(value);

/** Workflow ID of one search for failed webhooks, or of one resend of them; `id` is random. */
export const findFailedWorkflowId = (id: string): string => `find-failed-${id}`;
export const resendFailedWorkflowId = (id: string): string => `resend-failed-${id}`;
