import { openStore } from '../../dist/store/index.js';
import { createLogger, installRuntime, loadConfig, startWorker } from '../../dist/worker/index.js';

/** A worker as `npm run worker` runs it, that dies at once when it resolves the name `poison.test`, as a call might make it die. */
const config = loadConfig(process.env);
const logger = createLogger(config);
installRuntime(logger, config);

async function lookup(hostname) {
  if (hostname === 'poison.test') process.kill(process.pid, 'SIGKILL');
  return [{ address: '127.0.0.1', family: 4 }];
}

const store = await openStore({ databaseUrl: config.databaseUrl });
const worker = await startWorker({ config, store, logger, lookup });
process.once('SIGTERM', () => void worker.stop());
logger.info('the worker runs');
await worker.stopped;
await store.close();
