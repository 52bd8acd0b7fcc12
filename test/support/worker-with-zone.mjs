import { readFile } from 'node:fs/promises';
import { openStore } from '../../dist/store/index.js';
import { createLogger, installRuntime, loadConfig, startWorker } from '../../dist/worker/index.js';

/** A worker as `npm run worker` runs it, whose resolver knows one address for every name: what FAULT_ZONE_FILE holds, or none. */
const config = loadConfig(process.env);
const logger = createLogger(config);
installRuntime(logger, config);

async function lookup(hostname) {
  const address = (await readFile(process.env.FAULT_ZONE_FILE, 'utf8')).trim();
  if (address) return [{ address, family: 4 }];
  throw Object.assign(new Error(`no address for ${hostname}`), { code: 'ENOTFOUND' });
}

const store = await openStore({ databaseUrl: config.databaseUrl });
const worker = await startWorker({ config, store, logger, lookup });
process.once('SIGTERM', () => void worker.stop());
logger.info('the worker runs');
await worker.stopped;
await store.close();
