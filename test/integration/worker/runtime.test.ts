import { Writable } from 'node:stream';
import { Runtime } from '@temporalio/worker';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { installRuntime } from '../../../worker/runtime.js';

afterEach(() => Runtime.instance().shutdown());

/** What is logged through the SDK at each of its levels, in the order in which it comes out. */
async function logged(logLevel: 'trace' | 'debug' | 'info' | 'warn'): Promise<string[]> {
  const lines: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(JSON.parse(String(chunk)).msg);
      done();
    },
  });
  installRuntime(pino({ level: logLevel }, stream), { logLevel, metricsPort: undefined });
  const { logger } = Runtime.instance();
  for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) logger[level](level);
  logger.log('WARN', 'log');
  await expect.poll(() => lines).toContain('log');
  return lines;
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
