import {
  NamespaceNotFoundError,
  QueryNotRegisteredError,
  QueryRejectedError,
  ServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import {
  ApplicationFailure,
  CancelledFailure,
  RetryState,
  TerminatedFailure,
  TimeoutFailure,
  TimeoutType,
} from '@temporalio/common';
import { expect, test } from 'vitest';
import { BatchFailedError, BatchNotFoundError, isTransient, PostcallError } from '../../../client/errors/index.js';
import { mapError } from '../../../client/map-error.js';

const context = { workflowId: 'postcall-b_1', batchId: 'b_1.0', taskQueue: 'queue-1' };

/** As the SDK hands on what gRPC reports. */
function serviceError(code: number, details = 'some details'): ServiceError {
  const cause = Object.assign(new Error(`${code}: ${details}`), { code, details, metadata: {} });
  return new ServiceError('Failed to start Workflow', { cause });
}

const failed = (cause: Error): WorkflowFailedError =>
  new WorkflowFailedError('Workflow execution failed', cause, RetryState.NON_RETRYABLE_FAILURE);

test.each<[string, number, string]>([
  ['CANCELLED', 1, 'SERVICE_UNAVAILABLE'],
  ['UNKNOWN', 2, 'SERVICE_UNAVAILABLE'],
  ['INVALID_ARGUMENT', 3, 'SERVICE_REFUSED'],
  ['DEADLINE_EXCEEDED', 4, 'SERVICE_UNAVAILABLE'],
  ['PERMISSION_DENIED', 7, 'SERVICE_REFUSED'],
  ['RESOURCE_EXHAUSTED', 8, 'SERVICE_UNAVAILABLE'],
  ['FAILED_PRECONDITION', 9, 'WORKER_UNAVAILABLE'],
  ['ABORTED', 10, 'SERVICE_UNAVAILABLE'],
  ['UNIMPLEMENTED', 12, 'SERVICE_REFUSED'],
  ['INTERNAL', 13, 'SERVICE_UNAVAILABLE'],
  ['UNAVAILABLE', 14, 'SERVICE_UNAVAILABLE'],
  ['DATA_LOSS', 15, 'SERVICE_UNAVAILABLE'],
  ['UNAUTHENTICATED', 16, 'SERVICE_REFUSED'],
  ['OUT_OF_RANGE', 11, 'SERVICE_REFUSED'],
  ['gRPC status 99', 99, 'SERVICE_REFUSED'],
])('gRPC status %s (%i) becomes %s, with the details and the cause', (name, status, code) => {
  const original = serviceError(status);
  const error = mapError(original, context);
  expect(error).toBeInstanceOf(PostcallError);
  expect(error).toMatchObject({ code, cause: original });
  expect((error as Error).message).toContain(`${name}: some details`);
  expect(isTransient(error)).toBe(code !== 'SERVICE_REFUSED');
});

test.each([
  [3, true],
  [7, false],
  [12, false],
])('a refusal with gRPC status %i is for the content of the request: %s', (status, forContent) => {
  expect(mapError(serviceError(status), context)).toMatchObject({ code: 'SERVICE_REFUSED', forContent });
});

test('a workflow that is not there is a batch that is not there', () => {
  const error = mapError(new WorkflowNotFoundError('not found', context.workflowId, undefined), context);
  expect(error).toBeInstanceOf(BatchNotFoundError);
  expect(error).toMatchObject({ batchId: 'b_1.0', message: 'There is no batch "b_1.0"' });
});

test.each<[string, unknown, string]>([
  ['terminated', failed(new TerminatedFailure('by hand')), 'terminated'],
  ['timed out', failed(new TimeoutFailure('late', undefined, TimeoutType.START_TO_CLOSE)), 'timed_out'],
  ['canceled', failed(new CancelledFailure('Workflow canceled')), 'canceled'],
  ['failed', failed(ApplicationFailure.create({ message: 'a bug' })), 'failed'],
  ['terminated and queried', new QueryRejectedError(5), 'terminated'],
  ['failed and queried', new QueryRejectedError(3), 'failed'],
  ['timed out and queried', new QueryRejectedError(7), 'timed_out'],
  ['canceled and queried', new QueryRejectedError(4), 'canceled'],
])('a workflow that was %s is a failed batch', (_, original, failure) => {
  const error = mapError(original, context);
  expect(error).toBeInstanceOf(BatchFailedError);
  expect(error).toMatchObject({ code: 'BATCH_FAILED', failure, workflowId: context.workflowId });
});

test('the reason for which a workflow ended is told', () => {
  const { message } = mapError(failed(new TerminatedFailure('by hand')), context) as Error;
  expect(message).toBe('Workflow postcall-b_1 was terminated: by hand');
});

test('an unknown namespace is refused', () => {
  expect(mapError(new NamespaceNotFoundError('nowhere'), context)).toMatchObject({ code: 'SERVICE_REFUSED' });
});

test('a worker that does not know the query is no worker for it', () => {
  const error = mapError(new QueryNotRegisteredError('no handler for progress', 3), context);
  expect(error).toMatchObject({ code: 'WORKER_UNAVAILABLE', taskQueue: 'queue-1' });
});

test.each([
  ['a bug', new TypeError('x is not a function')],
  ['an error of a data converter', new ServiceError('Unexpected error', { cause: new Error('no key') })],
])('%s stays what it is', (_, error) => {
  expect(mapError(error, context)).toBe(error);
});
