import { createLogger, loadConfig } from '../../dist/config/index.js';
import { openStore } from '../../dist/store/index.js';
import { installRuntime, startWorker } from '../../dist/worker/index.js';

/** A worker as `npm run worker` runs it, but with this resolver of names. */
export async function runWorker(lookup) {
  const config = loadConfig(process.env);
  const logger = createLogger(config);
  await installRuntime(logger, config);
  const store = await openStore({ databaseUrl: config.databaseUrl });
  const worker = await startWorker({ config, store, logger, lookup });
  process.once('SIGTERM', () => void worker.stop());
  logger.info('the worker runs');
  await worker.stopped;
  await store.close();
}
