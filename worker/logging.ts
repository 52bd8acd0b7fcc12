import { DefaultLogger, makeTelemetryFilterString, Runtime, type RuntimeOptions } from '@temporalio/worker';
import { type Logger, pino } from 'pino';
import type { Config } from './config.js';

/** JSON lines in production, readable ones otherwise. */
export function createLogger({ logLevel, production }: Pick<Config, 'logLevel' | 'production'>): Logger {
  if (production) return pino({ level: logLevel });
  return pino({ level: logLevel, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } });
}

/**
 * Gives the process's Temporal runtime this logger and, where a port is set, a Prometheus endpoint. Once a process, before the
 * first connection. The runtime installs no signal handlers: whoever starts the worker stops it.
 */
export function installRuntime(logger: Logger, { metricsPort }: Pick<Config, 'metricsPort'>): void {
  const telemetryOptions: RuntimeOptions['telemetryOptions'] = {
    logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
    ...(metricsPort !== undefined && { metrics: { prometheus: { bindAddress: `0.0.0.0:${metricsPort}` } } }),
  };
  Runtime.install({ logger: temporalLogger(logger), telemetryOptions, shutdownSignals: [] });
}

/** The SDK's logger interface over pino; the SDK's levels are pino's. */
function temporalLogger(logger: Logger): DefaultLogger {
  return new DefaultLogger('TRACE', ({ level, message, meta }) => {
    const { error, ...fields } = meta ?? {};
    logger[LEVELS[level]]({ ...fields, ...(error !== undefined && { err: error }) }, message);
  });
}

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
