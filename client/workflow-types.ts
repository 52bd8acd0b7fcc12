import type {
  BatchInput,
  BatchResult,
  FailedPage,
  FailedQuery,
  ResendFailedInput,
  ResendFailedResult,
} from '../contract/index.js';

/** The signatures behind the workflow types that the contract names. */
export type BatchWorkflow = (input: BatchInput) => Promise<BatchResult>;
export type FindFailedWorkflow = (query: FailedQuery) => Promise<FailedPage>;
export type ResendFailedWorkflow = (input: ResendFailedInput) => Promise<ResendFailedResult>;
