import { configure, loadPayloadCodecs, reportStartError } from '../config/index.js';
import { openStore } from '../store/index.js';
import { openTracing, ProcessMetrics } from '../telemetry/index.js';
import { installRuntime } from './runtime.js';
import { startWorker } from './worker.js';

/** A worker alone, for production: `npm run worker`. */
async function main(): Promise<void> {
  const { config, logger } = configure(process.env);
  const payloadCodecs = await loadPayloadCodecs(config.codecModule);
  const metrics = config.metrics.port === undefined ? undefined : new ProcessMetrics();
  await installRuntime(logger, config, metrics);
  const tracing = await openTracing({ config, logger, service: 'postcall-worker' });
  const store = await openStore(config);
  const worker = await startWorker({
    config,
    store,
    logger,
    payloadCodecs,
    ...(metrics && { metrics }),
    ...(tracing && { tracing }),
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Not `once`: npm passes a terminal's Ctrl-C on, so that it comes twice, and stopping may be repeated.
    process.on(signal, () => {
      logger.info({ signal }, 'stopping: attempts in flight finish first');
      void worker.stop();
    });
  }
  logger.info({ task_queue: config.taskQueue, namespace: config.temporal.namespace }, 'the worker runs');
  try {
    await worker.stopped;
  } finally {
    await store.close();
    await tracing?.close();
  }
  logger.info('the worker has stopped');
}

main().catch((error: unknown) => {
  reportStartError(error, process.env);
  // Left alone, the threads of a Temporal runtime that no worker has come to use would keep the process.
  process.exit(1);
});
