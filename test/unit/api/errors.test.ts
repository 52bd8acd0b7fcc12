import { describe, expect, test } from 'vitest';
import { toApiError } from '../../../api/errors.js';
import {
  BatchNotFoundError,
  IdempotencyConflictError,
  InvalidRequestError,
  ServiceRefusedError,
  ServiceUnavailableError,
  WorkerUnavailableError,
} from '../../../client/index.js';
import { StoreQueryError, StoreUnavailableError } from '../../../store/index.js';

const SECRET = 'db-7.internal';

describe('toApiError', () => {
  test.each([
    [new InvalidRequestError([{ field: 'call_ids', message: 'call_ids is required' }]), 400, 'invalid_parameter'],
    [new BatchNotFoundError(SECRET), 404, 'NOT_FOUND'],
    [new IdempotencyConflictError('key', SECRET), 422, 'invalid_parameter'],
    [new ServiceUnavailableError(SECRET), 503, 'INTERNAL_SERVER_ERROR'],
    [new ServiceRefusedError(SECRET), 503, 'INTERNAL_SERVER_ERROR'],
    [new WorkerUnavailableError(SECRET, SECRET), 503, 'INTERNAL_SERVER_ERROR'],
    [new StoreUnavailableError(SECRET), 503, 'INTERNAL_SERVER_ERROR'],
  ])('answers $name', (error, status, code) => {
    const answered = toApiError(error);
    expect(answered?.status).toBe(status);
    expect(answered?.errors).toMatchObject([{ error: code }]);
    expect(JSON.stringify(answered?.errors)).not.toContain(SECRET);
    expect(answered?.headers['retry-after'] !== undefined).toBe(status === 503);
  });

  test.each([
    [new ServiceUnavailableError(SECRET), 'temporal_unavailable'],
    [new ServiceRefusedError(SECRET), 'temporal_unavailable'],
    [new WorkerUnavailableError(SECRET, SECRET), 'no_worker'],
    [new StoreUnavailableError(SECRET), 'database_unavailable'],
  ])('says with $name what cannot be reached', (error, reason) => {
    expect(toApiError(error)?.errors).toMatchObject([{ reason }]);
  });

  test('says when a request may have been accepted all the same', () => {
    const unknown = toApiError(new ServiceUnavailableError(SECRET, { mayBeAccepted: true }));
    expect(unknown?.errors[0]?.message).toContain('may have accepted');
    expect(toApiError(new ServiceUnavailableError(SECRET))?.errors[0]?.message).not.toContain('accepted');
  });

  test('names one error for each problem of a request', () => {
    const problems = ['call_ids is required', 'webhook_url is required'].map((message) => ({ field: '', message }));
    expect(toApiError(new InvalidRequestError(problems))?.errors.map(({ message }) => message)).toEqual([
      'call_ids is required',
      'webhook_url is required',
    ]);
  });

  test.each([new Error(SECRET), new StoreQueryError(SECRET), Object.assign(new Error(SECRET), { statusCode: 418 })])(
    'does not know an unforeseen error',
    (error) => {
      expect(toApiError(error)).toBeUndefined();
    },
  );
});
