import { status } from '@grpc/grpc-js';
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
import proto from '@temporalio/proto';
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

/** What a gRPC status means for the caller. */
const MEANING_OF_STATUS: Partial<Record<number, Meaning>> = {
  [status.CANCELLED]: 'unavailable',
  [status.UNKNOWN]: 'unavailable',
  [status.INVALID_ARGUMENT]: 'refused for content',
  [status.DEADLINE_EXCEEDED]: 'unavailable',
  [status.RESOURCE_EXHAUSTED]: 'unavailable',
  // Of a query: no worker has polled lately, or every worker fails at this workflow.
  [status.FAILED_PRECONDITION]: 'no worker',
  [status.ABORTED]: 'unavailable',
  [status.INTERNAL]: 'unavailable',
  [status.UNAVAILABLE]: 'unavailable',
  [status.DATA_LOSS]: 'unavailable',
};

const { WorkflowExecutionStatus } = proto.temporal.api.enums.v1;

/** The ends of a workflow without a result. */
const FAILURE_OF_STATUS: Partial<Record<number, BatchFailure>> = {
  [WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED]: 'failed',
  [WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED]: 'canceled',
  [WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED]: 'terminated',
  [WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TIMED_OUT]: 'timed_out',
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
  const meaning = MEANING_OF_STATUS[error.code] ?? 'refused';
  const reason = `${status[error.code] ?? `gRPC status ${error.code}`}: ${error.details}`;
  switch (meaning) {
    case 'unavailable':
      return new ServiceUnavailableError(reason, options);
    case 'no worker':
      return new WorkerUnavailableError(taskQueue, reason, options);
    case 'refused for content':
      return new ServiceRefusedError(reason, { ...options, forContent: true });
    case 'refused':
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
export function failureOfStatus(ended: number, workflowId: string): BatchFailedError | undefined {
  const failure = FAILURE_OF_STATUS[ended];
  return failure && new BatchFailedError(workflowId, failure);
}
