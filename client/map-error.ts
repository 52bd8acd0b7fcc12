import {
  isGrpcServiceError,
  NamespaceNotFoundError,
  QueryNotRegisteredError,
  QueryRejectedError,
  ServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { CancelledFailure, TerminatedFailure, TimeoutFailure, ValueError } from '@temporalio/common';
import {
  BatchFailedError,
  type BatchFailure,
  BatchNotFoundError,
  PayloadEncodedError,
  type PostcallError,
  ServiceRefusedError,
  ServiceUnavailableError,
  WorkerUnavailableError,
} from './errors/index.js';

/** What the failed request was about. */
export interface RequestContext {
  workflowId: string;
  /** The batch, where one was named. */
  batchId?: string | undefined;
  taskQueue: string;
}

type GrpcError = Error & { code: number; details: string };

type Meaning = 'unavailable' | 'refused' | 'refused for content' | 'no worker';

/** gRPC status codes (https://grpc.io/docs/guides/status-codes/) by what they mean for the caller. */
const MEANING_OF_STATUS: Partial<Record<number, { name: string; meaning: Meaning }>> = {
  1: { name: 'CANCELLED', meaning: 'unavailable' },
  2: { name: 'UNKNOWN', meaning: 'unavailable' },
  3: { name: 'INVALID_ARGUMENT', meaning: 'refused for content' },
  4: { name: 'DEADLINE_EXCEEDED', meaning: 'unavailable' },
  7: { name: 'PERMISSION_DENIED', meaning: 'refused' },
  8: { name: 'RESOURCE_EXHAUSTED', meaning: 'unavailable' },
  // Of a query: no worker has polled lately, or every worker fails at this workflow.
  9: { name: 'FAILED_PRECONDITION', meaning: 'no worker' },
  10: { name: 'ABORTED', meaning: 'unavailable' },
  12: { name: 'UNIMPLEMENTED', meaning: 'refused' },
  13: { name: 'INTERNAL', meaning: 'unavailable' },
  14: { name: 'UNAVAILABLE', meaning: 'unavailable' },
  15: { name: 'DATA_LOSS', meaning: 'unavailable' },
  16: { name: 'UNAUTHENTICATED', meaning: 'refused' },
};

/** `WORKFLOW_EXECUTION_STATUS_FAILED` of Temporal's API. */
export const FAILED_STATUS = 3;

/** Numbers of Temporal's `WorkflowExecutionStatus` that mean an end without a result. */
const FAILURE_OF_STATUS: Partial<Record<number, BatchFailure>> = {
  [FAILED_STATUS]: 'failed',
  4: 'canceled',
  5: 'terminated',
  7: 'timed_out',
};

/** What the SDK's converter says of an encoding that none of its codecs has undone. */
const UNKNOWN_ENCODING = /^Unknown encoding/;

/** The client's own error for one of the Temporal SDK's; any other error as it is. */
export function mapError(error: unknown, context: RequestContext): unknown {
  const { workflowId, batchId = workflowId, taskQueue } = context;
  if (error instanceof WorkflowNotFoundError) return new BatchNotFoundError(batchId, { cause: error });
  if (error instanceof WorkflowFailedError) return failedWorkflow(error, workflowId);
  if (error instanceof QueryRejectedError) return failureOfStatus(error.status, workflowId) ?? error;
  if (error instanceof QueryNotRegisteredError) {
    return new WorkerUnavailableError(taskQueue, error.message, { cause: error });
  }
  if (error instanceof ValueError && UNKNOWN_ENCODING.test(error.message)) {
    return new PayloadEncodedError(error.message, { cause: error });
  }
  if (error instanceof NamespaceNotFoundError) return new ServiceRefusedError(error.message, { cause: error });
  const grpcError = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(grpcError) ? fromGrpc(grpcError, taskQueue, { cause: error }) : error;
}

function fromGrpc(error: GrpcError, taskQueue: string, options: ErrorOptions): PostcallError {
  const status = MEANING_OF_STATUS[error.code];
  const reason = `${status?.name ?? `gRPC status ${error.code}`}: ${error.details}`;
  switch (status?.meaning) {
    case 'unavailable':
      return new ServiceUnavailableError(reason, options);
    case 'no worker':
      return new WorkerUnavailableError(taskQueue, reason, options);
    case 'refused for content':
      return new ServiceRefusedError(reason, { ...options, forContent: true });
    case 'refused':
    case undefined:
      return new ServiceRefusedError(reason, options);
  }
}

function failedWorkflow(error: WorkflowFailedError, workflowId: string): BatchFailedError {
  return new BatchFailedError(workflowId, failureOfCause(error.cause), error.cause?.message, { cause: error });
}

function failureOfCause(cause: unknown): BatchFailure {
  if (cause instanceof TerminatedFailure) return 'terminated';
  if (cause instanceof TimeoutFailure) return 'timed_out';
  return cause instanceof CancelledFailure ? 'canceled' : 'failed';
}

/** Undefined when a workflow of this status is running or has a result. */
export function failureOfStatus(status: number, workflowId: string): BatchFailedError | undefined {
  const failure = FAILURE_OF_STATUS[status];
  return failure && new BatchFailedError(workflowId, failure);
}
