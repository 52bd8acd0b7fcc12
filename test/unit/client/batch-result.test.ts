import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, RetryState } from '@temporalio/common';
import { expect, test } from 'vitest';
import { deliverResult, finishedResult } from '../../../client/batch-result.js';
import { BatchFailedError } from '../../../client/errors/index.js';
import {
  type DeliverResult,
  EVERY_CALL_REJECTED,
  MAX_ERRORS_IN_RESULT,
  type Progress,
} from '../../../contract/index.js';

const failure = (type: string, details: unknown[] = []) =>
  new BatchFailedError('postcall-b_1', 'failed', 'why', {
    cause: new WorkflowFailedError(
      'failed',
      ApplicationFailure.create({ type, message: 'why', details }),
      RetryState.NON_RETRYABLE_FAILURE,
    ),
  });

const counts = { total: 1_500, delivered: 300, retrying: 0, failed: 1_200, rejected: 0, canceled: 0, pending: 0 };
const progress: Progress = {
  ...counts,
  batch_id: 'b_1.0',
  status: 'completed',
  endpoints: [{ url: 'https://a.example/', state: 'gone', since: '2026-01-01T00:00:01.000Z' }],
  started_at: '2026-01-01T00:00:00.000Z',
  finished_at: '2026-01-01T00:00:09.000Z',
};

test('a workflow that failed since its every call was rejected has that as its result', async () => {
  const result: DeliverResult = { batches: [] };
  expect(await deliverResult(Promise.reject(failure(EVERY_CALL_REJECTED, [result])))).toBe(result);
});

test.each([
  ['another failure', failure('SomethingElse', [{ batches: [] }])],
  ['a termination', new BatchFailedError('postcall-b_1', 'terminated')],
  ['an error that is none of a workflow', new Error('no network')],
])('%s is thrown', async (_, error) => {
  await expect(deliverResult(Promise.reject(error))).rejects.toBe(error);
});

test('the result of a batch that shares its workflow is made of its progress and its outcomes', () => {
  const delivered = Array.from({ length: 300 }, (_, at) => ({ call_id: `c-${at}`, status: 'delivered' as const }));
  const failed = Array.from({ length: 1_200 }, (_, at) => ({
    call_id: `f-${at}`,
    status: 'failed' as const,
    error: { type: 'EndpointGone' as const, message: 'the endpoint answered 410 Gone' },
  }));
  const { errors, ...rest } = finishedResult(progress, [...delivered, ...failed]);
  expect(rest).toEqual({
    ...counts,
    batch_id: 'b_1.0',
    status: 'completed',
    started_at: progress.started_at,
    finished_at: progress.finished_at,
    errors_omitted: 200,
  });
  expect(errors).toHaveLength(MAX_ERRORS_IN_RESULT);
  expect(errors[0]).toEqual({ call_id: 'f-0', error: 'EndpointGone', message: 'the endpoint answered 410 Gone' });
});
