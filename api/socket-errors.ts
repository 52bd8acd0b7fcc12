import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type ApiError, invalid } from './errors.js';

/** What Node's HTTP parser refuses before there is a request. */
const ERRORS: Record<string, ApiError> = {
  ERR_HTTP_REQUEST_TIMEOUT: invalid(408, 'The request must arrive whole within 30 seconds.'),
  HPE_HEADER_OVERFLOW: invalid(431, 'The headers are too large.'),
};
const MALFORMED = invalid(400, 'The request must be HTTP/1.1.');

/** Answers on the bare socket, in the API's shape, and closes it. */
export function handleSocketError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, errors } = ERRORS[error.code ?? ''] ?? MALFORMED;
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
