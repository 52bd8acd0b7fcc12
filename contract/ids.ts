/** The one module that maps batch IDs to workflow IDs and back. */

const BATCH_PREFIX = 'postcall-';

/** Workflow ID of a batch. */
export const batchWorkflowId = (batchId: string): string => `${BATCH_PREFIX}${batchId}`;

/** Workflow ID of a batch's page; pages count from 0. */
export const pageWorkflowId = (batchId: string, page: number): string => `${batchWorkflowId(batchId)}-page-${page}`;

/** Batch ID of a batch's workflow ID; undefined when it is not one. */
export const batchIdOf = (workflowId: string): string | undefined =>
  workflowId.startsWith(BATCH_PREFIX) ? workflowId.slice(BATCH_PREFIX.length) : undefined;

const PAGE_SUFFIX = /-page-\d+$/;

/** False for what can name no batch, so that nobody reaches a page or a foreign workflow under the name of a batch. */
export const isBatchId = (value: string): boolean => /^[\w.-]{1,128}$/.test(value) && !PAGE_SUFFIX.test(value);

/** Workflow ID of one search for failed webhooks, or of one round of sending them again; `id` is random. */
export const findFailedWorkflowId = (id: string): string => `find-failed-${id}`;
export const resendFailedWorkflowId = (id: string): string => `resend-failed-${id}`;
