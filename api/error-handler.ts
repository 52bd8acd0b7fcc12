import type { FastifyReply, FastifyRequest } from 'fastify';
import { type ApiError, internalError, toApiError } from './errors.js';

/** Answers every error in the API's shape. Only what the tables do not name is logged with its stack; no answer carries one. */
export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const thrown = error instanceof Error ? error : new Error(String(error));
  const known = toApiError(thrown);
  if (reply.raw.destroyed) request.log.info('the client has gone before its answer');
  else if (!known) request.log.error({ err: thrown }, 'a request failed');
  else if (known.status >= 500) request.log.warn({ reason: thrown.message }, 'a request was turned away');
  return sendError(reply, known ?? internalError(request.id));
}

export function sendError(reply: FastifyReply, { status, errors, headers }: ApiError): FastifyReply {
  return (
    reply
      .code(status)
      .headers(headers)
      .type('application/json; charset=utf-8')
      // Serialised here: the shape does not depend on whether the route documents this status.
      .serializer((payload) => JSON.stringify(payload))
      .send({ data: null, errors })
  );
}
