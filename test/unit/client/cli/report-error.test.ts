import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { Output } from '../../../../client/cli/output.js';
import { NotFoundError, reportError } from '../../../../client/cli/report-error.js';
import {
  BatchFailedError,
  BatchNotFoundError,
  IdempotencyConflictError,
  PayloadEncodedError,
  ServiceRefusedError,
  ServiceUnavailableError,
  WorkerUnavailableError,
} from '../../../../client/errors/index.js';
import { InvalidConfigError } from '../../../../config/index.js';
import { InvalidRequestError } from '../../../../contract/index.js';
import { StoreUnavailableError } from '../../../../store/errors.js';

function report(error: unknown, json: boolean): { exitCode: number; text: string } {
  let text = '';
  const stderr = new Writable({
    write(chunk, _, done) {
      text += chunk;
      done();
    },
  });
  const exitCode = reportError(error, new Output({ stdout: stderr, stderr }, json));
  return { exitCode, text };
}

test.each<[unknown, number, string]>([
  [new InvalidRequestError([{ field: 'a', message: 'a is required' }]), 2, 'INVALID_REQUEST'],
  [new InvalidConfigError(['PORT must be a port']), 2, 'INVALID_CONFIG'],
  [new IdempotencyConflictError('k', 'b_1'), 2, 'IDEMPOTENCY_CONFLICT'],
  [new BatchNotFoundError('b_1'), 3, 'BATCH_NOT_FOUND'],
  [new NotFoundError('no such call'), 3, 'NOT_FOUND'],
  [new ServiceUnavailableError('away'), 4, 'SERVICE_UNAVAILABLE'],
  [new WorkerUnavailableError('queue', 'away'), 4, 'WORKER_UNAVAILABLE'],
  [new StoreUnavailableError('away'), 4, 'STORE_UNAVAILABLE'],
  [new StoreUnavailableError('none', { problem: 'missing_database' }), 1, 'DATABASE_MISSING'],
  [new StoreUnavailableError('who?', { problem: 'credentials' }), 1, 'DATABASE_CREDENTIALS'],
  [new StoreUnavailableError('no', { problem: 'rights' }), 1, 'DATABASE_RIGHTS'],
  [new StoreUnavailableError('old', { problem: 'schema' }), 1, 'SCHEMA_OUTDATED'],
  [new StoreUnavailableError('pooler', { problem: 'pooler' }), 1, 'DATABASE_POOLER'],
  [new PayloadEncodedError('Unknown encoding: binary/encrypted'), 1, 'PAYLOAD_ENCODED'],
  [new BatchFailedError('postcall-b_1', 'terminated'), 1, 'BATCH_FAILED'],
  [new ServiceRefusedError('no'), 1, 'SERVICE_REFUSED'],
])('%o exits with %i and is %s to machines', (error, exitCode, code) => {
  const json = report(error, true);
  expect(json.exitCode).toBe(exitCode);
  expect(JSON.parse(json.text)).toMatchObject({ error: code });
});

test('each problem of a request is a line, without a stack trace', () => {
  const problems = ['a is required', 'b is too long'].map((message) => ({ field: '', message }));
  expect(report(new InvalidRequestError(problems), false).text).toBe('error: a is required\nerror: b is too long\n');
});

test('an unforeseen error keeps its stack trace', () => {
  const { exitCode, text } = report(new TypeError('x is not a function'), false);
  expect(exitCode).toBe(1);
  expect(text).toContain('report-error.test');
});
