import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { Backlog, Store } from '../store/store.js';
import { cached } from './cached.js';
import { readTemporalLoad, type TemporalLoad } from './temporal-load.js';

/** All scrapes of a process share one look. */
const CACHE_MS = 15_000;
/** A scrape waits no longer for a look: a later answer is for the next one. */
const PATIENCE_MS = 3_000;

export interface BacklogSource {
  store: Pick<Store, 'readBacklog' | 'connections'>;
  client: Client;
  taskQueue: string;
  logger: Pick<Logger, 'info' | 'warn'>;
}

/**
 * What waits in the store and in Temporal, and whether these answer. Every process tells of the same, so that it is known as long as one
 * of them lives: take the maximum over processes. Unknown values are left out.
 */
export function measureBacklog(registry: Registry, source: () => BacklogSource): void {
  const backlog = look('the database', ({ store }) => store.readBacklog(), source);
  const load = look('Temporal', ({ client, taskQueue }) => readTemporalLoad(client, taskQueue), source);
  const measure = (name: string, help: string, read: () => Promise<number | undefined>): Gauge =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const value = await read();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  const ofBacklog = (name: string, help: string, pick: (read: Backlog) => number) =>
    measure(name, help, async () => map(await backlog(), pick));
  const ofTemporal = (name: string, help: string, pick: (read: TemporalLoad) => number) =>
    measure(name, help, async () => map(await load(), pick));

  new Gauge({
    name: 'postcall_webhooks',
    help: 'Webhooks that are not settled.',
    labelNames: ['status'],
    registers: [registry],
    async collect() {
      const known = await backlog();
      if (!known) this.reset();
      else for (const status of ['pending', 'retrying'] as const) this.set({ status }, known[status]);
    },
  });
  ofBacklog(
    'postcall_oldest_overdue_seconds',
    'For how long the longest waiting webhook could have been sent: due, not paused, not held by Retry-After, its endpoint not down.',
    ({ oldest_overdue_ms }) => oldest_overdue_ms / 1_000,
  );
  ofBacklog(
    'postcall_endpoints_down',
    'Endpoints that are down and that a webhook waits for.',
    (read) => read.endpoints_down,
  );
  ofBacklog(
    'postcall_longest_endpoint_down_seconds',
    'For how long the one that has been down longest is.',
    ({ longest_endpoint_down_ms }) => longest_endpoint_down_ms / 1_000,
  );
  ofTemporal(
    'postcall_workflows_running',
    'Workflows of this task queue that run; small batches may share one.',
    (read) => read.workflows_running,
  );
  ofTemporal(
    'postcall_workers_polling',
    'Workers that poll this task queue, as Temporal sees them.',
    (read) => read.workers_polling,
  );
  measure('postcall_database_up', 'Whether the database answered the last look at the backlog.', async () =>
    Number((await backlog()) !== undefined),
  );
  measure('postcall_temporal_up', 'Whether Temporal answered the last look at its load.', async () =>
    Number((await load()) !== undefined),
  );
  new Gauge({
    name: 'postcall_database_connections',
    help: "Connections of this process's pool by state; `waiting`: statements that wait for one.",
    labelNames: ['state'],
    registers: [registry],
    collect() {
      for (const [state, count] of Object.entries(source().store.connections() ?? {})) this.set({ state }, count);
    },
  });
}

const map = <T, R>(value: T | undefined, pick: (value: T) => R): R | undefined =>
  value === undefined ? undefined : pick(value);

/** Undefined where it does not answer in time. Its absence is logged once, and its return. */
function look<T>(
  what: string,
  read: (source: BacklogSource) => Promise<T>,
  source: () => BacklogSource,
): () => Promise<T | undefined> {
  let isAway = false;
  const answer = cached(CACHE_MS, async () => {
    const { logger } = source();
    try {
      const value = await read(source());
      if (isAway) logger.info(`${what} answers again: the backlog is measured`);
      isAway = false;
      return value;
    } catch (error) {
      if (!isAway) logger.warn({ err: error }, `${what} does not answer: the backlog is not measured`);
      isAway = true;
      return undefined;
    }
  });
  return () => inTime(answer());
}

function inTime<T>(answer: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), PATIENCE_MS);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
