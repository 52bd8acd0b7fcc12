import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyPluginAsync } from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { AccessLog } from './access-log.js';
import { authenticate } from './authentication.js';
import type { Dependencies } from './dependencies.js';
import { handleError, sendError } from './error-handler.js';
import { notFound } from './errors.js';
import { FirstAttemptsWatch } from './first-attempts.js';
import { readJsonBodies } from './json-body.js';
import { endGracefully } from './lifecycle.js';
import { refuseOtherMethods } from './method-not-allowed.js';
import { measure, serveMetrics } from './metrics.js';
import { describeApi, serveDocument, serveDocumentation } from './openapi.js';
import { limitRate } from './rate-limit.js';
import * as routes from './routes/index.js';
import { handleSocketError } from './socket-errors.js';
import { validatorCompiler } from './validation.js';

/** 10,000 call IDs of 128 characters each, with room for a URL and whitespace: more is refused with 413. */
const BODY_LIMIT_BYTES = 2 * 1024 * 1024;
/** For the whole request to arrive, however slowly it is sent. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** How often the two are looked at. */
const TIMEOUT_CHECK_MS = 2_000;
/** For a connection on which nothing moves: longer than the longest wait for first attempts. */
const IDLE_TIMEOUT_MS = 90_000;
/** Node.js reads no longer a path: what is too long to be an ID is answered like any other that does not exist. */
const MAX_PARAM_LENGTH = 16 * 1024;

export interface ApiOptions extends Pick<Dependencies, 'client' | 'store'> {
  logger: Logger;
  /** Requests a second for each API key. Default 500. */
  rateLimit?: number;
  /** What `/metrics` serves, the API's own metrics included. Default: a registry of its own. */
  metrics?: Registry;
}

interface V1Options extends Dependencies {
  rateLimit: number;
}

interface EndpointOptions extends V1Options {
  metrics: Registry;
}

/**
 * The HTTP API as a Fastify instance, not listening yet. `drain()` turns `/readyz` to 503; `close()` answers what is in flight and
 * ends. Client and store stay the caller's to close.
 */
export function createApi({
  client,
  store,
  logger,
  rateLimit = 500,
  metrics = new Registry(),
}: ApiOptions): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new AccessLog(),
    genReqId: () => randomUUID(),
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: IDLE_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // While the server closes, what still arrives on open connections is answered like any other request.
    return503OnClosing: false,
    frameworkErrors: handleError,
    clientErrorHandler: handleSocketError,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(handleError);
  app.setNotFoundHandler((_request, reply) => sendError(reply, notFound('path')));
  readJsonBodies(app);
  const firstAttempts = new FirstAttemptsWatch(store, app.log);
  endGracefully(app, () => firstAttempts.close());
  measure(app, metrics);

  app.register(endpoints, { client, store, firstAttempts, rateLimit, metrics });
  return app;
}

const endpoints: FastifyPluginAsync<EndpointOptions> = async (app, { rateLimit, metrics, ...dependencies }) => {
  await describeApi(app);
  await serveDocumentation(app);
  refuseOtherMethods(app, () => {
    serveDocument(app);
    serveMetrics(app, metrics);
    app.register(routes.health, dependencies);
    app.register(v1, { prefix: '/v1/postcall', rateLimit, ...dependencies });
  });
};

/** What needs an API key. */
const v1: FastifyPluginAsync<V1Options> = async (app, { rateLimit, client, store, firstAttempts }) => {
  const dependencies = { client, store, firstAttempts };
  authenticate(app, store);
  await limitRate(app, rateLimit);
  // Answers hold what is private to their user.
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
  app.register(routes.createWebhooks, dependencies);
  app.register(routes.resendWebhooks, dependencies);
  app.register(routes.getWebhook, dependencies);
  app.register(routes.getBatch, dependencies);
  app.register(routes.listBatchWebhooks, dependencies);
  app.register(routes.steerBatch, dependencies);
  app.register(routes.retryBatch, dependencies);
  app.register(routes.listFailed, dependencies);
  app.register(routes.resendFailed, dependencies);
};
