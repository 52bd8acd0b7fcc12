import { expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../../config/index.js';
import { openCalls, warnOfOwnerlessCalls } from '../../../worker/calls.js';
import { captureLog } from '../../support/captured-log.js';

const URL = { CALLS_URL: 'http://127.0.0.1:1/calls' };

/** What is logged at the start of a worker where these users have keys; `-` before the name: a revoked one. */
async function warnings(environment: NodeJS.ProcessEnv, ...users: string[]): Promise<string[]> {
  const { lines, logger } = captureLog('info');
  const keys = users.map((user) => ({
    prefix: 'pk',
    user_id: user.replace('-', ''),
    created_at: '2026-01-01T00:00:00.000Z',
    revoked_at: user.startsWith('-') ? '2026-01-02T00:00:00.000Z' : null,
  }));
  await warnOfOwnerlessCalls({ config: loadConfig(environment), store: { listApiKeys: async () => keys }, logger });
  return lines.map((line): string => JSON.parse(line).msg);
}

it('calls without an owner are warned of where several users have keys', async () => {
  expect(await warnings(URL, 'one', 'two')).toEqual([expect.stringContaining('CALLS_USER_ID')]);
});

it('so are those of a source of the operator’s own', async () => {
  const { lines, logger } = captureLog('info');
  const key = { prefix: 'pk', created_at: '2026-01-01T00:00:00.000Z', revoked_at: null };
  const store = { listApiKeys: async () => ['one', 'two'].map((user_id) => ({ ...key, user_id })) };
  const callSource = { getCall: async () => undefined };
  await warnOfOwnerlessCalls({ config: loadConfig({}), callSource, store, logger });
  expect(lines).toEqual([expect.stringContaining('CALLS_USER_ID')]);
});

it.each([
  ['one user has', URL, ['one', 'one', '-two']],
  ['their owner is named', { ...URL, CALLS_USER_ID: 'one' }, ['one', 'two']],
  ['they come from the calls table', {}, ['one', 'two']],
])('they are not where %s', async (_, environment, users) => {
  expect(await warnings(environment, ...users)).toEqual([]);
});

it('a source of the operator’s own goes before CALLS_URL, under the same rules', async () => {
  const own = { getCall: async () => undefined };
  const { calls } = loadConfig({ ...URL, CALLS_USER_ID: 'one', CALLS_GRACE: '1s', CALLS_READY_FIELD: 'done' });
  expect(openCalls(calls, own)?.options).toEqual({
    source: own,
    defaultUserId: 'one',
    readyField: 'done',
    policy: { grace_ms: 1_000, ready_timeout_ms: 600_000, send_incomplete: false },
  });
});

it('without either the calls table is asked', () => {
  expect(openCalls(loadConfig({}).calls, undefined)).toBeUndefined();
  const http = openCalls(loadConfig(URL).calls, undefined);
  onTestFinished(() => http?.close());
  expect(http?.options.source).toBeDefined();
});
