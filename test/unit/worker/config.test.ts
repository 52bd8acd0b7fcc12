import { describe, expect, it } from 'vitest';
import { InvalidConfigError, loadConfig } from '../../../worker/config.js';

const problemsOf = (environment: NodeJS.ProcessEnv): string[] => {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof InvalidConfigError) return error.problems;
    throw error;
  }
  throw new Error('the configuration was taken');
};

describe('where calls come from', () => {
  it('has defaults: the calls table, five seconds of grace, every record complete', () => {
    expect(loadConfig({}).calls).toEqual({
      url: undefined,
      apiKey: undefined,
      userId: undefined,
      graceMs: 5_000,
      readyField: undefined,
      readyTimeoutMs: 600_000,
      sendIncomplete: false,
    });
  });

  it('is read from CALLS_*', () => {
    const { calls } = loadConfig({
      CALLS_URL: 'https://calls.example.com/v1/calls',
      CALLS_API_KEY: 'sk-1',
      CALLS_USER_ID: 'u-1',
      CALLS_GRACE: '0',
      CALLS_READY_FIELD: 'completed',
      CALLS_READY_TIMEOUT: '30s',
      CALLS_SEND_INCOMPLETE: 'true',
    });
    expect(calls).toEqual({
      url: 'https://calls.example.com/v1/calls',
      apiKey: 'sk-1',
      userId: 'u-1',
      graceMs: 0,
      readyField: 'completed',
      readyTimeoutMs: 30_000,
      sendIncomplete: true,
    });
  });

  it.each([
    ['CALLS_GRACE', '-1s', 'must be a duration'],
    ['CALLS_GRACE', '2h', 'must be at most 3600s'],
    ['CALLS_READY_TIMEOUT', '0', 'must be a duration'],
    ['CALLS_SEND_INCOMPLETE', 'yes', 'must be true or false'],
    ['CALLS_USER_ID', 'a\nb', 'must not contain control characters'],
    ['CALLS_URL', 'ftp://calls', 'must be an http or https URL'],
  ])('is refused with %s=%j', (name, value, message) => {
    const problems = problemsOf({ [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name} ${message}`));
  });
});
