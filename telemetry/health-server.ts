import { createServer, type ServerResponse } from 'node:http';
import { cached } from './cached.js';
import type { ProcessMetrics } from './process-metrics.js';

/** Milliseconds for which an answer of Temporal and the store stands: `/readyz` needs no key. */
const ANSWER_MS = 1_000;

export interface HealthServerOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  metrics: ProcessMetrics;
  /** Reject where it does not answer. */
  pingTemporal(): Promise<void>;
  pingStore(): Promise<void>;
}

export interface HealthServer {
  /** Without a trailing slash. */
  readonly url: string;
  /** Turns `/readyz` to 503. */
  drain(): void;
  close(): Promise<void>;
}

/** Serves `/healthz`, `/readyz` and `/metrics` of a process that has no HTTP API, in the API's shapes. Rejects when the port is taken. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const { host, port, metrics } = options;
  let draining = false;
  const ask = cached(ANSWER_MS, async () => {
    const [temporal, store] = await Promise.all([answers(options.pingTemporal()), answers(options.pingStore())]);
    return { temporal, store };
  });
  const routes: Record<string, (response: ServerResponse) => Promise<void> | void> = {
    '/healthz': (response) => sendJson(response, 200, { status: 'ok' }),
    '/readyz': async (response) => {
      const { temporal, store } = await ask();
      const ready = temporal === 'ok' && store === 'ok';
      const status = draining ? 'draining' : ready ? 'ready' : 'unavailable';
      sendJson(response, status === 'ready' ? 200 : 503, { status, temporal, store });
    },
    '/metrics': async (response) => {
      const text = await metrics.text();
      response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
    },
  };
  const server = createServer((request, response) => {
    const route = routes[request.url?.split('?', 1)[0] ?? ''];
    if (!route || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(route ? 405 : 404).end();
      return;
    }
    Promise.resolve(route(response)).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const listening = typeof address === 'object' && address ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${listening}`,
    drain: () => {
      draining = true;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const answers = (ping: Promise<void>): Promise<'ok' | 'unavailable'> =>
  ping.then(
    () => 'ok' as const,
    () => 'unavailable' as const,
  );

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}
