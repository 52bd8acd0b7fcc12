import type {
  DeliverInput,
  DeliverResult,
  FailedPage,
  FailedQuery,
  ResendFailedInput,
  ResendFailedResult,
} from '../contract/index.js';

/** The signatures behind the workflow types that the contract names. */
export type DeliverWorkflow = (input: DeliverInput<never>) => Promise<DeliverResult>;
export type FindFailedWorkflow = (query: FailedQuery) => Promise<FailedPage>;
export type ResendFailedWorkflow = (input: ResendFailedInput) => Promise<ResendFailedResult>;
