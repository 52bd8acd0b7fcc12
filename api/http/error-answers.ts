import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify';
import plugin from 'fastify-plugin';
import { ApiError, type ErrorEntry, internalError, invalid, notFound, toApiError } from '../errors.js';
import { occurrences } from './occurrences.js';

const JSON_TYPE = 'application/json; charset=utf-8';

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
    // Node.js itself would answer these without a body, or not at all.
    app.server.on('connect', (_request, socket) => {
      // The server listens to this socket no more.
      socket.on('error', () => socket.destroy()).resume();
      endWith(socket, NO_PROXY, app.log);
    });
    app.server.on('checkExpectation', (_request, response) => {
      const body = bodyOf(UNEXPECTED.errors);
      response.writeHead(UNEXPECTED.status, headersOf(UNEXPECTED, body, app.log)).end(body);
    });
    app.addHook('onRequest', async ({ raw }) => {
      const hosts = occurrences(raw, 'host');
      if (hosts > 1 || (hosts === 0 && raw.httpVersion === '1.1')) throw ONE_HOST;
    });
  },
  { name: 'error-answers' },
);

const NO_PROXY = new ApiError(
  405,
  [{ error: 'invalid_parameter', message: 'The method must be one of GET, HEAD, POST.' }],
  { allow: 'GET, HEAD, POST' },
);
const UNEXPECTED = invalid(417, 'The expect header must be 100-continue.');
/** RFC 9112, section 3.2. */
const ONE_HOST = invalid(400, 'The request must have one host header.');

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
      .type(JSON_TYPE)
      // Serialised here: the shape does not depend on whether the route documents this status.
      .serializer((payload) => JSON.stringify(payload))
      .send({ data: null, errors })
  );
}

/** Seconds that Node.js gives a request; see createApi. */
const TOO_SLOW = 'The headers must arrive within 10 seconds, and the whole request within 30.';

/** Refusals of Node.js before there is a request, by its code and llhttp's (https://github.com/nodejs/llhttp, `errno`). */
const SOCKET_ERRORS: Record<string, ApiError> = {
  ERR_HTTP_REQUEST_TIMEOUT: invalid(408, TOO_SLOW),
  HPE_HEADER_OVERFLOW: invalid(431, 'The headers must have at most 16 kB in all.'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: invalid(413, 'The chunk extensions of the body are too large.'),
  HPE_INVALID_METHOD: invalid(400, 'The request must begin with a method that HTTP/1.1 knows.'),
  HPE_INVALID_CONSTANT: invalid(400, 'The request line must be a method, a path and HTTP/1.1.'),
  HPE_INVALID_VERSION: invalid(400, 'The request line must end with HTTP/1.1 and CR LF.'),
  HPE_PAUSED_H2_UPGRADE: invalid(400, 'The version must be HTTP/1.1; HTTP/2 is not spoken here.'),
  HPE_INVALID_URL: invalid(
    400,
    'The path must begin with a slash, and have only visible ASCII characters; percent-encode the others.',
  ),
  HPE_INVALID_HEADER_TOKEN: invalid(
    400,
    'A header must be a name, a colon and a value on one line, without control characters.',
  ),
  HPE_UNEXPECTED_SPACE: invalid(400, 'The first header must not begin with a space.'),
  HPE_STRICT: invalid(
    400,
    'Every line and every chunk of the body must end with CR LF, and a chunk be as long as its size says.',
  ),
  HPE_CLOSED_CONNECTION: invalid(400, 'Nothing may follow a request with connection: close.'),
  HPE_CR_EXPECTED: invalid(400, 'Lines must end with CR LF; one ends with LF alone.'),
  HPE_LF_EXPECTED: invalid(400, 'Lines must end with CR LF; one has a CR alone.'),
  HPE_INVALID_CONTENT_LENGTH: invalid(
    400,
    'The content-length must be one number, with no transfer-encoding beside it.',
  ),
  HPE_UNEXPECTED_CONTENT_LENGTH: invalid(
    400,
    'There must be one content-length at most, and none beside transfer-encoding.',
  ),
  HPE_INVALID_TRANSFER_ENCODING: invalid(
    400,
    'The transfer-encoding must be chunked, and have no content-length beside it.',
  ),
  HPE_INVALID_CHUNK_SIZE: invalid(400, 'A chunk of the body does not begin with its size in hexadecimal digits.'),
  HPE_INVALID_EOF_STATE: invalid(400, 'The request ended before it was complete.'),
};
const malformed = (reason = 'it cannot be read'): ApiError => invalid(400, `The request must be HTTP/1.1: ${reason}.`);
const TLS = invalid(400, 'The request must be plain HTTP: TLS ends before this server.');
/** First byte of a TLS handshake (RFC 8446, section 5.1). */
const TLS_HANDSHAKE = 0x16;

/** `reason`: llhttp's words. */
type SocketError = Error & { code?: string; reason?: string; rawPacket?: unknown };

/** Answers on the bare socket, and closes it. */
export function handleSocketError(error: SocketError, socket: Socket, log: FastifyBaseLogger): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const isTls = error.rawPacket instanceof Buffer && error.rawPacket[0] === TLS_HANDSHAKE;
  endWith(socket, isTls ? TLS : (SOCKET_ERRORS[error.code ?? ''] ?? malformed(error.reason)), log);
}

const bodyOf = (errors: ErrorEntry[]): string => JSON.stringify({ data: null, errors });

/** Names an answer outside of the framework, and logs it, like any other. */
function headersOf({ status, headers }: ApiError, body: string, log: FastifyBaseLogger) {
  const request_id = randomUUID();
  log.info({ request_id, status }, 'request');
  return {
    ...headers,
    [REQUEST_ID]: request_id,
    'content-type': JSON_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
}

function endWith(socket: Duplex, answer: ApiError, log: FastifyBaseLogger): void {
  const body = bodyOf(answer.errors);
  const head = Object.entries(headersOf(answer, body, log)).map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`, ...head, '', body].join('\r\n'));
}
