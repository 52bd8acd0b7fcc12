import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  type BatchResult,
  type CallError,
  type CallOutcome,
  type DeliverResult,
  EVERY_CALL_REJECTED,
  MAX_ERRORS_IN_RESULT,
  type Progress,
} from '../contract/index.js';
import { BatchFailedError } from './errors/index.js';

/** A workflow's result. One that failed because its every call was rejected has one as well. */
export async function deliverResult(result: Promise<DeliverResult>): Promise<DeliverResult> {
  try {
    return await result;
  } catch (error) {
    const rejected = rejectedResult(error);
    if (rejected) return rejected;
    throw error;
  }
}

function rejectedResult(error: unknown): DeliverResult | undefined {
  if (!(error instanceof BatchFailedError) || !(error.cause instanceof WorkflowFailedError)) return undefined;
  const { cause } = error.cause;
  if (!(cause instanceof ApplicationFailure) || cause.type !== EVERY_CALL_REJECTED) return undefined;
  return cause.details?.[0] as DeliverResult | undefined;
}

/** Of a batch that has finished in a workflow that runs on for others. */
export function finishedResult(progress: Progress, outcomes: readonly CallOutcome[]): BatchResult {
  const { endpoints: _, status, finished_at, ...rest } = progress;
  const errors = outcomes.flatMap(callError);
  return {
    ...rest,
    status: status === 'canceled' ? 'canceled' : 'completed',
    finished_at: finished_at ?? progress.started_at,
    errors: errors.slice(0, MAX_ERRORS_IN_RESULT),
    errors_omitted: Math.max(0, errors.length - MAX_ERRORS_IN_RESULT),
  };
}

const callError = ({ call_id, error }: CallOutcome): CallError[] =>
  error ? [{ call_id, error: error.type, message: error.message }] : [];
