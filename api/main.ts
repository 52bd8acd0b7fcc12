import { configure, loadPayloadCodecs, reportStartError } from '../config/index.js';
import { openStore } from '../store/index.js';
import { openTracing, ProcessMetrics } from '../telemetry/index.js';
import { seedApiKeys, startApi } from './start.js';

/** Load balancers look every second or so. */
const DRAIN_MS = 2_000;

/** The HTTP API alone, for production: `npm run api`. */
async function main(): Promise<void> {
  const { config, logger } = configure(process.env);
  const payloadCodecs = await loadPayloadCodecs(config.codecModule);
  const metrics = new ProcessMetrics();
  const tracing = await openTracing({ config, logger, service: 'postcall-api' });
  const store = await openStore(config);
  try {
    await seedApiKeys(store, config.apiKeys);
    const api = await startApi({
      config,
      store,
      logger,
      metrics,
      drainMs: DRAIN_MS,
      payloadCodecs,
      ...(tracing && { tracing }),
    });
    logger.info({ url: api.url }, 'the API runs');
    const signal = await stopSignal();
    logger.info({ signal }, 'stopping: requests in flight are answered first');
    await api.stop();
  } finally {
    await store.close();
    await tracing?.close();
  }
  logger.info('the API has stopped');
}

/** The first of the signals that ask a process to stop. More are ignored: npm passes a terminal's Ctrl-C on, so that it comes twice. */
const stopSignal = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, resolve);
  });

main().catch((error: unknown) => {
  reportStartError(error, process.env);
  process.exitCode = 1;
});
