import { describe, expect, test } from 'vitest';
import { toApiError } from '../../../api/errors.js';
import {
  BatchFailedError,
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
    [new BatchFailedError('postcall-b', 'terminated', SECRET), 409, 'invalid_parameter'],
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

  test('names one error for each problem of a request', () => {
    const problems = ['call_ids is required', 'webhook_url is required'].map((message) => ({ field: '', message }));
    expect(toApiError(new InvalidRequestError(problems))?.errors.map(({ message }) => message)).toEqual([
      'call_ids is required',
      'webhook_url is required',
    ]);
  });

  test.each([new Error(SECRET), new StoreQueryError(SECRET), Object.assign(new Error(SECRET), { statusCode: 418 })])(
    'does not know what nobody foresaw',
    (error) => {
      expect(toApiError(error)).toBeUndefined();
    },
  );
});
