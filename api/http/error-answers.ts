import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import plugin from 'fastify-plugin';
import { type ApiError, internalError, invalid, notFound, toApiError } from '../errors.js';

const REQUEST_ID = 'x-request-id';

/** Names each answer as the log names its request. */
export const requestIds = plugin(
  async (app) => {
    app.addHook('onRequest', async (request, reply) => {
      reply.header(REQUEST_ID, request.id);
    });
  },
  { name: 'request-ids' },
);

/** Answers every error, and every path that there is not, in the API's shape. */
export const errorAnswers = plugin(
  async (app) => {
    app.setErrorHandler(handleError);
    app.setNotFoundHandler((_request, reply) => sendError(reply, notFound('path')));
  },
  { name: 'error-answers' },
);

/** Only what the tables do not name is logged with its stack; no answer carries one. */
export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const thrown = error instanceof Error ? error : new Error(String(error));
  const known = toApiError(thrown);
  const reason = known?.errors[0]?.reason;
  if (reason) request.unavailable = reason;
  if (reply.raw.destroyed) request.log.info('the client has gone before its answer');
  else if (!known) request.log.error({ err: thrown }, 'a request failed');
  else if (known.status >= 500) request.log.warn({ reason: thrown.message }, 'a request was turned away');
  return sendError(reply, known ?? internalError(request.id));
}

function sendError(reply: FastifyReply, { status, errors, headers }: ApiError): FastifyReply {
  return (
    reply
      .code(status)
      // Fastify's own errors come before any hook.
      .headers({ ...headers, [REQUEST_ID]: reply.request.id })
      .type('application/json; charset=utf-8')
      // Serialised here: the shape does not depend on whether the route documents this status.
      .serializer((payload) => JSON.stringify(payload))
      .send({ data: null, errors })
  );
}

/** What Node's HTTP parser refuses before there is a request. */
const SOCKET_ERRORS: Record<string, ApiError> = {
  ERR_HTTP_REQUEST_TIMEOUT: invalid(408, 'The request must arrive whole within 30 seconds.'),
  HPE_HEADER_OVERFLOW: invalid(431, 'The headers are too large.'),
};
const MALFORMED = invalid(400, 'The request must be HTTP/1.1.');

/** Answers on the bare socket, and closes it. */
export function handleSocketError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, errors } = SOCKET_ERRORS[error.code ?? ''] ?? MALFORMED;
  const body = JSON.stringify({ data: null, errors });
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
