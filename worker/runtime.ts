import { setFlagsFromString } from 'node:v8';
import { DefaultLogger, makeTelemetryFilterString, Runtime, type RuntimeOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Config } from '../config/index.js';
import type { ProcessMetrics } from '../telemetry/index.js';
import { sdkMetricsAddress } from './sdk-metrics.js';

/**
 * For its stack trace query the SDK takes a stack trace of each promise in a workflow: half of a batch's time in workflow code. Only
 * contexts made later heed the flag: the workflow thread's, not this one's.
 */
const NO_WORKFLOW_STACKS = '--stack-trace-limit=0';

/**
 * V8 lets a heap grow to as much as four times its use before it collects all of it: the same load then leaves a worker at 300 to 470 MB.
 * At twice it stays near 300, for some 2 % more CPU time.
 */
const COLLECT_AT_TWICE = '--heap-growing-percent=100';

/**
 * Gives the process's Temporal runtime this logger and, where there are metrics, lets them say what it measures. Once a process, before
 * the first connection. The runtime installs no signal handlers: the starter of a worker stops it. What helps to find a fault and costs
 * time, the SDK's details and the stack traces of workflows, is there at level `debug` alone.
 */
export async function installRuntime(
  logger: Logger,
  { logLevel }: Pick<Config, 'logLevel'>,
  metrics?: ProcessMetrics,
): Promise<void> {
  const telemetryOptions: RuntimeOptions['telemetryOptions'] = {
    logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
    ...(metrics && { metrics: { prometheus: { bindAddress: await sdkMetricsAddress(metrics) } } }),
  };
  const runtime = Runtime.install({ logger: temporalLogger(logger, logLevel), telemetryOptions, shutdownSignals: [] });
  setFlagsFromString(COLLECT_AT_TWICE);
  if (logger.isLevelEnabled('debug')) return;
  setFlagsFromString(NO_WORKFLOW_STACKS);
  dropDetails(runtime);
}

/**
 * The SDK sorts its own log entries and its core's by time, and only then drops those below the level: five for each activity. Dropping
 * them first saves a worker some 7 % of its CPU time. Where the SDK's field has another name one day, only this saving is lost.
 */
function dropDetails(runtime: Runtime): void {
  const drop = () => undefined;
  const logger = Object.assign(Object.create(runtime.logger) as Runtime['logger'], { trace: drop, debug: drop });
  Object.defineProperty(runtime, 'logger', { value: logger });
}

/**
 * Warnings of the SDK's core in normal running: a query whose caller has gone, and calls that it repeats by itself. Calls that it must
 * repeat for long it logs as errors.
 */
const NO_WARNINGS = [/^Query not found/, /^gRPC call \S+ retried/];

/** The SDK's logger interface over pino; the SDK's levels are pino's, and its fields have the names of ours. */
function temporalLogger(logger: Logger, logLevel: Config['logLevel']): DefaultLogger {
  const level = logLevel.toUpperCase() as Uppercase<Config['logLevel']>;
  return new DefaultLogger(level, ({ level, message, meta }) => {
    const { error, ...fields } = meta ?? {};
    const isNormal = level === 'WARN' && NO_WARNINGS.some((pattern) => pattern.test(message));
    logger[isNormal ? 'debug' : LEVELS[level]](
      { ...snakeCased(fields), ...(error !== undefined && { err: error }) },
      message,
    );
  });
}

const snakeCased = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );

/** What the SDK logs of itself at `INFO` helps to find a fault. */
const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;
