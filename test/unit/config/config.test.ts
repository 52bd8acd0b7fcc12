import { describe, expect, it } from 'vitest';
import { InvalidConfigError, loadConfig } from '../../../config/index.js';

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
      readyField: undefined,
      policy: { grace_ms: 5_000, ready_timeout_ms: 600_000, send_incomplete: false },
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
      readyField: 'completed',
      policy: { grace_ms: 0, ready_timeout_ms: 30_000, send_incomplete: true },
    });
  });

  it.each([
    ['CALLS_GRACE', '-1s', 'must be a duration'],
    ['CALLS_GRACE', '2h', 'must be at most 1h'],
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

it('means the embedded stack where nothing is set, or all is empty', () => {
  const empty = loadConfig({});
  expect(empty).toMatchObject({
    temporal: { connectionOptions: { address: '127.0.0.1:7233' }, namespace: 'default' },
    embedded: { used: true },
    taskQueue: 'postcall-webhooks',
    databaseUrl: undefined,
    dataDir: '.postcall',
    userId: undefined,
    maxInFlight: 100,
  });
  expect(loadConfig({ DATABASE_URL: '', POSTCALL_DATA_DIR: '', PORT: '', POSTCALL_API_KEYS: '' })).toEqual(empty);
});

it.each([
  ['', { shortest_ms: 5_000, longest_ms: 30_000 }],
  ['3s', { shortest_ms: 3_000, longest_ms: 3_000 }],
  ['1s, 1d', { shortest_ms: 1_000, longest_ms: 86_400_000 }],
])('takes "%s" as the interval of probes', (value, probeInterval) => {
  expect(loadConfig({ POSTCALL_PROBE_INTERVAL: value })).toMatchObject({ probeInterval });
});

it.each(['30s,5s', '1s,2s,3s', '1s,2d', '1s,', 'soon'])('refuses "%s" as the interval of probes', (value) => {
  expect(problemsOf({ POSTCALL_PROBE_INTERVAL: value })).toEqual([
    expect.stringMatching(/^POSTCALL_PROBE_INTERVAL must be /),
  ]);
});

it('names every variable that is wrong', () => {
  const wrong = {
    TEMPORAL_PORT: 'x',
    PORT: '65536',
    POSTCALL_MAX_IN_FLIGHT: '0',
    POSTCALL_RETRY_SCHEDULE: '5s,soon',
    POSTCALL_ALLOW_NETWORKS: '10.0.0.0/8, 10.0.0.1',
    POSTCALL_API_KEYS: 'u-1:short',
    DATABASE_URL: 'db.internal',
    LOG_LEVEL: 'loud',
  };
  const named = problemsOf(wrong).map((problem) => problem.split(' ')[0]);
  expect(new Set(named)).toEqual(new Set(Object.keys(wrong)));
});
