import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidConfigError, loadConfig } from '../../../config/index.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

function problemsOf(environment: NodeJS.ProcessEnv): string[] {
  try {
    loadConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof InvalidConfigError) return error.problems;
    throw error;
  }
}

describe('variables that nothing reads', () => {
  it('are named, and keep nothing from starting', () => {
    const environment = { POSTCALL_RETRY_HORIZN: '1h', CALLS_URI: 'http://calls', POSTCALL_USER_ID: 'u', OTHER: 'x' };
    expect(loadConfig(environment).unknownVariables).toEqual(['CALLS_URI', 'POSTCALL_RETRY_HORIZN']);
  });

  it('are not those that Kubernetes sets for a Service', () => {
    const environment = {
      POSTCALL_API_SERVICE_HOST: '10.0.0.1',
      POSTCALL_API_SERVICE_PORT: '8787',
      POSTCALL_API_SERVICE_PORT_HTTP: '8787',
      POSTCALL_API_PORT: 'tcp://10.0.0.1:8787',
      POSTCALL_API_PORT_8787_TCP: 'tcp://10.0.0.1:8787',
      POSTCALL_API_PORT_8787_TCP_ADDR: '10.0.0.1',
    };
    expect(loadConfig(environment).unknownVariables).toEqual([]);
  });

  it('are not those that are empty', () => {
    expect(loadConfig({ POSTCALL_RETRY_HORIZN: '' }).unknownVariables).toEqual([]);
  });
});

describe("Temporal's TLS", () => {
  it.each([
    ['a flag that would turn it off without a word', { TEMPORAL_TLS: 'yes' }, /^TEMPORAL_TLS must be true or false/],
    ['a name that nothing reads', { TEMPORAL_TLS_CERT: 'x' }, /^TEMPORAL_TLS_CERT is not a variable of Temporal/],
    [
      'a file that is not there',
      { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/no/such' },
      /^TEMPORAL_TLS_SERVER_CA_CERT_PATH cannot be read: ENOENT/,
    ],
    ['what is no PEM', { TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'MIIB' }, /^TEMPORAL_TLS_SERVER_CA_CERT_DATA must be PEM/],
    ['what is not supported', { TEMPORAL_TLS_DISABLE_HOST_VERIFICATION: 'true' }, /is not supported/],
    [
      'a key without its certificate',
      { TEMPORAL_TLS_CLIENT_KEY_DATA: '-----BEGIN KEY' },
      /^TEMPORAL_TLS_CLIENT_CERT_PATH is missing/,
    ],
    [
      'a certificate twice',
      { TEMPORAL_TLS_SERVER_CA_CERT_DATA: '-----BEGIN X', TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/x' },
      /exclude each other/,
    ],
  ])('is refused with %s', (_, environment, message) => {
    const problems = problemsOf(environment);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(message);
  });

  it('is taken with a flag, an authority and a pair', async () => {
    const file = join(await temporaryFolder(), 'ca.pem');
    await writeFile(file, '-----BEGIN CERTIFICATE-----\n');
    const environment = {
      TEMPORAL_ADDRESS: 'temporal:7233',
      TEMPORAL_TLS: 'true',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: file,
      TEMPORAL_TLS_CLIENT_CERT_DATA: '-----BEGIN CERTIFICATE-----',
      TEMPORAL_TLS_CLIENT_KEY_DATA: '-----BEGIN PRIVATE KEY-----',
      TEMPORAL_TLS_SERVER_NAME: 'temporal',
    };
    expect(problemsOf(environment)).toEqual([]);
    expect(loadConfig(environment).temporal.connectionOptions.tls).toMatchObject({ serverNameOverride: 'temporal' });
  });
});

describe('worker versioning', () => {
  it('is off without a build ID', () => {
    expect(loadConfig({ TEMPORAL_DEPLOYMENT_NAME: 'calls' }).deployment).toBeUndefined();
  });

  it('has a deployment of its own by default', () => {
    expect(loadConfig({ TEMPORAL_WORKER_BUILD_ID: '1.2' }).deployment).toEqual({
      name: 'postcall-webhooks',
      buildId: '1.2',
    });
  });
});
