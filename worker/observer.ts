import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { DeliveryEvents, RecordedEvents, SettledWebhooks } from '../activities/index.js';
import type { Config } from '../config/index.js';
import { messageOf } from '../contract/message-of.js';
import type { Store } from '../store/index.js';
import { DeliveryLog, type HealthServer, ProcessMetrics, startHealthServer } from '../telemetry/index.js';

/** For Temporal to answer `/readyz`. */
const PING_TIMEOUT_MS = 3_000;

export interface ObserverOptions {
  config: Pick<Config, 'metrics' | 'taskQueue'>;
  store: Store;
  logger: Logger;
  client: Client;
  metrics?: ProcessMetrics;
}

/** Shows a worker from outside: what it does in metrics and logs, and its health on a port of its own where one is configured. */
export interface Observer {
  events: DeliveryEvents;
  /** The worker stops: it is not ready any more. */
  stopping(): void;
  close(): Promise<void>;
}

/** Rejects when the port is taken. */
export async function observe(options: ObserverOptions): Promise<Observer> {
  const { config, store, logger, client } = options;
  const { port } = config.metrics;
  const metrics = options.metrics ?? (port === undefined ? undefined : new ProcessMetrics());
  const server = metrics && port !== undefined ? await serve(options, metrics, port) : undefined;
  const log = new DeliveryLog(logger);
  const events = tellBoth(log, metrics?.deliveries);
  const forget = store.onInterrupted((attempts) => events.attemptsInterrupted(attempts));
  metrics?.reportBacklog({ store, client, taskQueue: config.taskQueue, logger });
  return {
    events,
    stopping: () => server?.drain(),
    close: async () => {
      forget();
      log.close();
      await server?.close();
    },
  };
}

async function serve(
  { config, store, logger, client }: ObserverOptions,
  metrics: ProcessMetrics,
  port: number,
): Promise<HealthServer> {
  const { host } = config.metrics;
  try {
    const server = await startHealthServer({
      host,
      port,
      metrics,
      pingStore: () => store.ping(),
      pingTemporal: () =>
        client.withDeadline(Date.now() + PING_TIMEOUT_MS, async () => {
          await client.workflowService.getSystemInfo({});
        }),
    });
    logger.info({ url: server.url }, 'health and metrics are served');
    return server;
  } catch (error) {
    const reason = messageOf(error);
    throw new Error(
      `POSTCALL_METRICS_HOST ${host} and POSTCALL_METRICS_PORT ${port} cannot be listened at: ${reason}`,
      {
        cause: error,
      },
    );
  }
}

function tellBoth(log: DeliveryLog, metrics: ProcessMetrics['deliveries'] | undefined): DeliveryEvents {
  const both =
    <Event>(tell: (listener: RecordedEvents, event: Event) => void) =>
    (event: Event) => {
      if (metrics) tell(metrics, event);
      tell(log, event);
    };
  return {
    sending: () => metrics?.sending() ?? (() => undefined),
    attemptEnded: both((listener, attempt) => listener.attemptEnded(attempt)),
    attemptsInterrupted: both((listener, attempts) => listener.attemptsInterrupted(attempts)),
    webhookFailed: both((listener, webhook) => listener.webhookFailed(webhook)),
    webhooksSettled: both((listener, webhooks: SettledWebhooks) => listener.webhooksSettled(webhooks)),
    endpointChanged: both((listener, change) => listener.endpointChanged(change)),
  };
}
