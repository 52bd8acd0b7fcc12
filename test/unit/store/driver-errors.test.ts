import { DrizzleQueryError } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { isConflict, isDataError, toStoreError } from '../../../store/driver-errors.js';
import { StoreQueryError, StoreUnavailableError } from '../../../store/errors.js';

const driverError = (message: string, code?: string) => Object.assign(new Error(message), { code });

describe('an error is "unavailable" when the same statement may succeed later', () => {
  test.each([
    ['connect ECONNREFUSED 127.0.0.1:5432', 'ECONNREFUSED'],
    ['read ECONNRESET', 'ECONNRESET'],
    ['write EPIPE', 'EPIPE'],
    ['getaddrinfo ENOTFOUND db', 'ENOTFOUND'],
    ['getaddrinfo EAI_AGAIN db', 'EAI_AGAIN'],
    ['connect ENOENT /data/.s.PGSQL.5432', 'ENOENT'],
    ['certificate has expired', 'CERT_HAS_EXPIRED'],
    ['self-signed certificate in certificate chain', 'SELF_SIGNED_CERT_IN_CHAIN'],
    ['Connection terminated unexpectedly', undefined],
    ['Connection terminated due to connection timeout', undefined],
    ['timeout exceeded when trying to connect', undefined],
    ['timeout expired', undefined],
    ['Client has encountered a connection error and is not queryable', undefined],
    ['Query read timeout', undefined],
    ['Cannot use a pool after calling end on the pool', undefined],
    ['PGlite is closed', undefined],
    ['terminating connection due to administrator command', '57P01'],
    ['the database system is starting up', '57P03'],
    ['canceling statement due to statement timeout', '57014'],
    ['sorry, too many clients already', '53300'],
    ['could not extend file: No space left on device', '53100'],
    ['could not write to file', '58030'],
    ['connection failure', '08006'],
    ['password authentication failed', '28P01'],
    ['database "calls" does not exist', '3D000'],
    ['cannot execute INSERT in a read-only transaction', '25006'],
    ['could not extend file: Read-only file system', '42501'],
    ['permission denied for table webhooks', '42501'],
  ])('%s (%s)', (message, code) => {
    const error = toStoreError(driverError(message, code));
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(error.message).toContain(message);
    expect(error.cause).toMatchObject({ message });
  });
});

describe('any other refusal keeps its SQLSTATE', () => {
  test.each([
    ['invalid input syntax for type json', '22P02', { data: true, conflict: false }],
    ['duplicate key value violates unique constraint', '23505', { data: true, conflict: false }],
    ['index row size exceeds btree maximum', '54000', { data: true, conflict: false }],
    ['deadlock detected', '40P01', { data: false, conflict: true }],
    ['could not serialize access', '40001', { data: false, conflict: true }],
    ['relation "webhooks" does not exist', '42P01', { data: false, conflict: false }],
  ])('%s (%s)', (message, code, { data, conflict }) => {
    const error = toStoreError(driverError(message, code));
    expect(error).toBeInstanceOf(StoreQueryError);
    expect(error).toMatchObject({ code, message: `${message} (SQLSTATE ${code})` });
    expect([isDataError(error), isConflict(error)]).toEqual([data, conflict]);
  });
});

test('no statement, parameter or quoted data is carried along', () => {
  const secret = '+15550100';
  const driver = Object.assign(driverError('invalid input syntax for type json', '22P02'), {
    detail: `Token "${secret}" is invalid.`,
    where: `JSON data, line 1: ${secret}`,
    params: [secret],
  });
  const refused = toStoreError(new DrizzleQueryError(`select '${secret}'`, [secret], driver));
  const reset = Object.assign(driverError('read ECONNRESET', 'ECONNRESET'), { params: [secret] });
  const unavailable = toStoreError(new DrizzleQueryError(`select '${secret}'`, [secret], reset));
  for (const error of [refused, unavailable]) {
    const { message, stack, cause } = error;
    expect(JSON.stringify([{ ...error }, message, stack, { ...(cause as object) }])).not.toContain(secret);
  }
});

test('an error for each address of a host counts as one', () => {
  const error = toStoreError(new AggregateError([driverError('connect ECONNREFUSED ::1:5432', 'ECONNREFUSED')]));
  expect(error).toBeInstanceOf(StoreUnavailableError);
  expect(error.message).toContain('ECONNREFUSED ::1:5432');
});
