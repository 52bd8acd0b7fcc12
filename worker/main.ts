import { openStore } from '../store/index.js';
import { type Config, InvalidConfigError, loadConfig } from './config.js';
import { createLogger, installRuntime } from './logging.js';
import { startWorker } from './worker.js';

/** A worker alone, for production: `npm run worker`. */
async function main(config: Config): Promise<void> {
  const logger = createLogger(config);
  installRuntime(logger, config);
  const store = await openStore(
    config.databaseUrl === undefined ? { dataDir: config.dataDir } : { databaseUrl: config.databaseUrl },
  );
  const worker = await startWorker({ config, store, logger });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      logger.info({ signal }, 'stopping: attempts in flight finish first');
      void worker.stop();
    });
  }
  logger.info({ taskQueue: config.taskQueue, namespace: config.temporal.namespace }, 'the worker runs');
  await worker.stopped;
  await store.close();
  logger.info('the worker has stopped');
}

main(loadConfig(process.env)).catch((error: unknown) => {
  console.error(error instanceof InvalidConfigError ? error.message : error);
  process.exitCode = 1;
});
