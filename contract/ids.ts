/** The one module that maps batch IDs to workflow IDs and back. */

const BATCH_PREFIX = 'postcall-';

/** Workflow ID of a batch. */
export const batchWorkflowId = (batchId: string): string => `${BATCH_PREFIX}${batchId}`;

/** Workflow ID of a batch's page; pages count from 0. */
export const pageWorkflowId = (batchId: string, page: number): string => `${batchWorkflowId(batchId)}-page-${page}`;

/** Batch ID of a batch's workflow ID; undefined when it is not one. */
export const batchIdOf = (workflowId: string): string | undefined =>
  workflowId.startsWith(BATCH_PREFIX) ? workflowId.slice(BATCH_PREFIX.length) : undefined;
