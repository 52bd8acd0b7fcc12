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

test('what happens in normal running is no warning, and fields are named as everywhere', async () => {
  const log = captureLog('debug');
  await installRuntime(log.logger, { logLevel: 'debug' });
  const { logger } = Runtime.instance();
  logger.warn('Query not found when attempting to respond to it');
  logger.warn('gRPC call poll_workflow_task_queue retried 7 times');
  logger.error('gRPC call poll_workflow_task_queue retried 16 times');
  logger.warn('Something else', { workflowId: 'w-1', taskQueue: 'q' });
  const lines = () => log.lines.map((line) => JSON.parse(line));
  await expect.poll(() => lines().length).toBe(4);
  expect(lines().map(({ level }) => level)).toEqual([20, 20, 50, 40]);
  expect(lines()[3]).toMatchObject({ workflow_id: 'w-1', task_queue: 'q', msg: 'Something else' });
});
