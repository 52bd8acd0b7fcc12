import fc from 'fast-check';
import { errors } from 'undici';
import { describe, expect, it } from 'vitest';
import { AttemptTimeoutError, faultOf, SEND_ERROR_KINDS } from '../../../activities/send-error.js';

const coded = (code: string, message = 'details', fields = {}): Error =>
  Object.assign(new Error(message), { code, ...fields });

describe('faultOf', () => {
  it.each([
    ['ECONNREFUSED', 'refused', 'connection refused'],
    ['EHOSTUNREACH', 'unreachable', 'endpoint unreachable: EHOSTUNREACH'],
    ['ENETUNREACH', 'unreachable', 'endpoint unreachable: ENETUNREACH'],
    ['ECONNRESET', 'reset', 'connection closed before a response came'],
    ['EPIPE', 'reset', 'connection closed before a response came'],
    ['ETIMEDOUT', 'timeout', 'connection timed out'],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout', 'timed out after 15000 ms'],
    ['UND_ERR_HEADERS_OVERFLOW', 'invalid_response', 'invalid HTTP response: headers too large'],
    ['EMFILE', 'local', 'the worker could not open a connection: EMFILE'],
    ['EADDRNOTAVAIL', 'local', 'the worker could not open a connection: EADDRNOTAVAIL'],
    ['ESOMETHING', 'other', 'request failed: ESOMETHING'],
  ])('words %s', (code, kind, message) => {
    expect(faultOf(coded(code), 15_000)).toEqual({ kind, message });
  });

  it.each([
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'CERT_REVOKED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'HOSTNAME_MISMATCH',
    'INVALID_CA',
    'INVALID_PURPOSE',
    'PATH_LENGTH_EXCEEDED',
    'ERROR_IN_CERT_NOT_AFTER_FIELD',
    'CRL_HAS_EXPIRED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'EPROTO',
  ])('takes %s for a failure of TLS', (code) => {
    expect(faultOf(coded(code, 'what is wrong'), 1)).toEqual({ kind: 'tls', message: 'TLS: what is wrong' });
  });

  it("prefers OpenSSL's short reason", () => {
    const error = coded('ERR_SSL_WRONG_VERSION_NUMBER', '00A8:error:0A00010B:SSL', { reason: 'wrong version number' });
    expect(faultOf(error, 1).message).toBe('TLS: wrong version number');
  });

  it('words the end of the time for an attempt', () => {
    expect(faultOf(new AttemptTimeoutError(), 250)).toEqual({ kind: 'timeout', message: 'timed out after 250 ms' });
  });

  it.each([
    ['other side closed', 'reset', 'connection closed before a response came'],
    ['closed', 'reset', 'connection closed before a response came'],
    ['bad response', 'invalid_response', 'invalid HTTP response: an unrequested 100 Continue'],
    ['bad upgrade', 'invalid_response', 'invalid HTTP response: an unrequested upgrade'],
  ])("tells undici's socket errors apart: %s", (text, kind, message) => {
    expect(faultOf(new errors.SocketError(text), 1)).toEqual({ kind, message });
  });

  it.each([
    ['HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 'more than one Content-Length'],
    ['HTTP/1.1 200 OK\r\ncontent-length: 1\r\nx: \0\r\n\r\n', 'a malformed head'],
    ['', 'a malformed head'],
  ])('sees in the head what undici hides behind the length: %j', (head, defect) => {
    expect(faultOf(new errors.ResponseContentLengthMismatchError(), 1, head)).toEqual({
      kind: 'invalid_response',
      message: `invalid HTTP response: ${defect}`,
    });
  });

  it("takes the parser's reason where the head shows nothing", () => {
    const error = new errors.HTTPParserError('Response does not match the HTTP/1.1 protocol (Invalid status code)');
    expect(faultOf(error, 1, 'HTTP/1.1 abc\r\n\r\n')).toEqual({
      kind: 'invalid_response',
      message: 'invalid HTTP response: Invalid status code',
    });
  });

  it('answers any error with a known kind and one short line', () => {
    const codes = fc.oneof(fc.string(), fc.constantFrom('EPROTO', 'CERT_X', 'ECONNRESET', 'UND_ERR_SOCKET', 'HPE_X'));
    const texts = fc.string({ unit: 'binary', maxLength: 500 });
    fc.assert(
      fc.property(codes, texts, texts, texts, (code, message, reason, head) => {
        const fault = faultOf(coded(code, message, { reason }), 15_000, head);
        expect(SEND_ERROR_KINDS).toContain(fault.kind);
        expect(fault.message.length).toBeLessThan(200);
        expect(fault.message).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
