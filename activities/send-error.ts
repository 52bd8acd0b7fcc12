import { errors } from 'undici';
import { EgressRefusedError } from './egress-guard.js';
import { headDefect } from './head-defect.js';
import { LookupError } from './lookup.js';

/** Why an attempt brought no response. */
export const SEND_ERROR_KINDS = [
  'refused',
  'unreachable',
  'reset',
  'dns',
  'tls',
  'timeout',
  'egress_refused',
  'invalid_response',
  'other',
  /** The worker's own fault (no file descriptors, no free ports): says nothing about the endpoint. */
  'local',
] as const;
export type SendErrorKind = (typeof SEND_ERROR_KINDS)[number];

/** An attempt's time is up. */
export class AttemptTimeoutError extends Error {
  override readonly name = 'AttemptTimeoutError';
}

export interface SendFault {
  kind: SendErrorKind;
  /** For people: one line, under 200 characters, nothing of the payload or of the response's body. */
  message: string;
}

/** Kinds by the codes of Node.js and undici; codes that are not here are told apart by {@link faultOf}. */
const KINDS = new Map<string, SendErrorKind>([
  ['ECONNREFUSED', 'refused'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENETUNREACH', 'unreachable'],
  ['EHOSTDOWN', 'unreachable'],
  ['ENETDOWN', 'unreachable'],
  ['ECONNRESET', 'reset'],
  ['ECONNABORTED', 'reset'],
  ['EPIPE', 'reset'],
  ['ETIMEDOUT', 'timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
  ['UND_ERR_HEADERS_OVERFLOW', 'invalid_response'],
  // Before a status, undici gives it for any fault of a head that has a Content-Length.
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'invalid_response'],
  ['EMFILE', 'local'],
  ['ENFILE', 'local'],
  ['ENOBUFS', 'local'],
  ['ENOMEM', 'local'],
  ['EADDRNOTAVAIL', 'local'],
  ['EADDRINUSE', 'local'],
]);

/** OpenSSL's verification results (https://nodejs.org/api/tls.html#x509-certificate-error-codes) and its protocol errors. */
const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|EPROTO$|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERROR_IN_C|INVALID_(CA|PURPOSE)$|PATH_LENGTH_|HOSTNAME_MISMATCH$)/;

/** undici's reasons for giving up a connection that is still open, and their meaning for a request. */
const BAD_RESPONSES = new Map([
  ['bad response', 'an unrequested 100 Continue'],
  ['bad upgrade', 'an unrequested upgrade'],
]);

interface ErrorFields {
  code?: unknown;
  /** OpenSSL's short text, or what is wrong with a certificate's names. */
  reason?: unknown;
}

function kindOf(error: Error, code: string): SendErrorKind {
  if (error instanceof AttemptTimeoutError) return 'timeout';
  if (error instanceof EgressRefusedError) return 'egress_refused';
  if (error instanceof LookupError) return 'dns';
  if (code === 'UND_ERR_SOCKET') return BAD_RESPONSES.has(error.message) ? 'invalid_response' : 'reset';
  if (error instanceof errors.HTTPParserError) return 'invalid_response';
  if (TLS_CODE.test(code)) return 'tls';
  return KINDS.get(code) ?? 'other';
}

// Certificates and status lines are the endpoint's words: no control characters, bounded length.
const oneLine = (text: string): string =>
  text
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, 190)
    .toWellFormed();

/** What the endpoint did wrong: seen in the head, or the parser's reason, which it puts in brackets. */
function defectOf(error: Error, code: string, head: string): string {
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'headers too large';
  const meant = BAD_RESPONSES.get(error.message) ?? headDefect(head);
  if (meant !== undefined) return meant;
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return 'a malformed head';
  return /\((.+)\)/.exec(error.message)?.[1] ?? error.message;
}

function messageOf(error: Error, kind: SendErrorKind, code: string, timeoutMs: number, head: string): string {
  const { reason } = error as ErrorFields;
  switch (kind) {
    case 'refused':
      return 'connection refused';
    case 'unreachable':
      return `endpoint unreachable: ${code}`;
    case 'reset':
      return 'connection closed before a response came';
    case 'timeout':
      return code === 'ETIMEDOUT' ? 'connection timed out' : `timed out after ${timeoutMs} ms`;
    case 'dns':
    case 'egress_refused':
      return error.message;
    case 'tls':
      return `TLS: ${typeof reason === 'string' ? reason : error.message}`;
    case 'invalid_response':
      return `invalid HTTP response: ${defectOf(error, code, head)}`;
    case 'local':
      return `the worker could not open a connection: ${code}`;
    case 'other':
      return `request failed: ${code || error.name}`;
  }
}

/**
 * Why no response came to a request, in the project's terms.
 *
 * @param head how the response began, as far as it came
 */
export function faultOf(error: Error, timeoutMs: number, head = ''): SendFault {
  const { code } = error as ErrorFields;
  const codeText = typeof code === 'string' ? code : '';
  const kind = kindOf(error, codeText);
  return { kind, message: oneLine(messageOf(error, kind, codeText, timeoutMs, head)) };
}
