import { expect, test } from 'vitest';
import { readEnvironment } from '../../../../client/cli/environment.js';

test('an empty environment means the embedded stack', () => {
  expect(readEnvironment({})).toEqual({
    defaultAddress: '127.0.0.1:7233',
    taskQueue: 'postcall-webhooks',
    databaseUrl: undefined,
    dataDir: '.postcall',
    userId: undefined,
    maxInFlight: undefined,
  });
});

test('each variable counts, and an empty one does not', () => {
  const variables = {
    TEMPORAL_PORT: '17233',
    TEMPORAL_TASK_QUEUE: 'queue-1',
    DATABASE_URL: '',
    POSTCALL_DATA_DIR: '/data',
    POSTCALL_USER_ID: 'u-1',
    POSTCALL_MAX_IN_FLIGHT: '25',
  };
  expect(readEnvironment(variables)).toEqual({
    defaultAddress: '127.0.0.1:17233',
    taskQueue: 'queue-1',
    databaseUrl: undefined,
    dataDir: '/data',
    userId: 'u-1',
    maxInFlight: 25,
  });
});

test('every bad variable is named at once', () => {
  const read = () => readEnvironment({ TEMPORAL_PORT: 'x', POSTCALL_MAX_IN_FLIGHT: '0' });
  expect(read).toThrow(/TEMPORAL_PORT must be a port.*POSTCALL_MAX_IN_FLIGHT/);
});
