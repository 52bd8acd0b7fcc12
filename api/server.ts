import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { ProcessMetrics, type RequestTracer } from '../telemetry/index.js';
import { FirstAttemptsWaits } from './answers/first-attempts.js';
import type { Dependencies } from './dependencies.js';
import { AccessLog } from './http/access-log.js';
import { authentication } from './http/authentication.js';
import { errorAnswers, handleError, handleSocketError, requestIds } from './http/error-answers.js';
import { gracefulEnd } from './http/graceful-end.js';
import { jsonBodies } from './http/json-bodies.js';
import { methods } from './http/methods.js';
import { metrics } from './http/metrics.js';
import { openapi } from './http/openapi.js';
import { rateLimit } from './http/rate-limit.js';
import { tracing } from './http/tracing.js';
import { validation } from './http/validation.js';
import { batches } from './routes/batches.js';
import { endpoints } from './routes/endpoints.js';
import { failed } from './routes/failed.js';
import { operations } from './routes/operations.js';
import { webhooks } from './routes/webhooks.js';

/** 10,000 call IDs of 128 characters each, with room for a URL and whitespace: more is refused with 413. */
const BODY_LIMIT_BYTES = 2 * 1024 * 1024;
/** For the whole request to arrive, however slowly it is sent. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** How often the two are looked at. */
const TIMEOUT_CHECK_MS = 2_000;
/** For a connection on which nothing moves: longer than the longest wait for first attempts. */
const IDLE_TIMEOUT_MS = 90_000;
/** Node.js reads no longer a path: a longer ID is answered like any other that does not exist. */
const MAX_PARAM_LENGTH = 16 * 1024;

export interface ApiOptions extends Pick<Dependencies, 'client' | 'store'> {
  logger: Logger;
  /** Requests a second for each API key. */
  rateLimit: number;
  /** Addresses or CIDRs of proxies whose `x-forwarded-for` names the client. Default: none, and the header is ignored. */
  trustProxy?: string[];
  /** Whether batches carry the `traceparent` of their requests. Default false. */
  traceparents?: boolean;
  /** Makes spans of requests; batches then carry the `traceparent` of these. */
  tracing?: RequestTracer;
  /** What `/metrics` serves, the API's own metrics included. Default: its own. */
  metrics?: ProcessMetrics;
}

/**
 * The HTTP API as a Fastify instance, not listening yet. `drain()` turns `/readyz` to 503; `close()` answers what is in flight and
 * ends. Client and store stay the caller's to close.
 */
export function createApi(options: ApiOptions): FastifyInstance {
  const { client, store, logger, trustProxy = [], metrics: processMetrics = new ProcessMetrics() } = options;
  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new AccessLog(),
    genReqId: () => randomUUID(),
    trustProxy,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: IDLE_TIMEOUT_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      // Refused by a hook, with a body.
      requireHostHeader: false,
    },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // While the server closes, what still arrives on open connections is answered like any other request.
    return503OnClosing: false,
    frameworkErrors: handleError,
    clientErrorHandler: (error, socket) => handleSocketError(error, socket, app.log),
  });
  const firstAttempts = new FirstAttemptsWaits(store, app.log);

  app.register(requestIds);
  app.register(errorAnswers);
  app.register(validation);
  app.register(jsonBodies);
  app.register(gracefulEnd, { endWaits: () => firstAttempts.close(), patienceMs: REQUEST_TIMEOUT_MS });
  app.register(metrics, { registry: processMetrics.registry });
  app.register(methods, { maxParamLength: MAX_PARAM_LENGTH });
  if (options.traceparents || options.tracing)
    app.register(tracing, options.tracing ? { requests: options.tracing } : {});
  app.register(openapi);
  app.register(operations, { client, store, metrics: processMetrics });
  app.register(v1, { prefix: '/v1/postcall', client, store, firstAttempts, rateLimit: options.rateLimit });
  return app;
}

interface V1Options extends Dependencies {
  rateLimit: number;
}

/** What needs an API key. */
const v1: FastifyPluginAsync<V1Options> = async (
  app,
  { rateLimit: requestsPerSecond, client, store, firstAttempts },
) => {
  const dependencies = { client, store, firstAttempts };
  app.register(authentication, { store });
  app.register(rateLimit, { requestsPerSecond });
  // Answers hold what is private to their user.
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
  app.register(webhooks, dependencies);
  app.register(batches, dependencies);
  app.register(endpoints, dependencies);
  app.register(failed, dependencies);
};
