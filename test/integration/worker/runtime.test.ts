import { Runtime } from '@temporalio/worker';
import { afterEach, expect, test } from 'vitest';
import { installRuntime } from '../../../worker/runtime.js';
import { captureLog } from '../../support/captured-log.js';

afterEach(() => Runtime.instance().shutdown());

/** What is logged through the SDK at each of its levels, in the order in which it comes out. */
async function logged(logLevel: 'trace' | 'debug' | 'info' | 'warn'): Promise<string[]> {
  const log = captureLog(logLevel);
  await installRuntime(log.logger, { logLevel });
  const { logger } = Runtime.instance();
  for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) logger[level](level);
  logger.log('WARN', 'log');
  const messages = () => log.lines.map((line): string => JSON.parse(line).msg);
  await expect.poll(messages).toContain('log');
  return messages();
}

test('at level info the SDK tells of warnings and errors, not of its own life', async () => {
  expect(await logged('info')).toEqual(['warn', 'error', 'log']);
});

test('at level debug it tells of its life, and not of details', async () => {
  expect(await logged('debug')).toEqual(['debug', 'info', 'warn', 'error', 'log']);
});

test('at level trace it tells of all', async () => {
  expect(await logged('trace')).toEqual(['trace', 'debug', 'info', 'warn', 'error', 'log']);
});
