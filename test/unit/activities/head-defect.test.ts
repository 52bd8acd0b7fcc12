import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headDefect } from '../../../activities/head-defect.js';

const head = (...lines: string[]): string => ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n');

const LF = 'a line of its head ends in LF without CR';
const NO_FIELD = 'a header line without a name and a colon';

describe('headDefect', () => {
  it.each([
    ['HTTP/1.1 200 OK\nx: y\n\n', LF],
    ['HTTP/1.1 200 OK\r\nx: y\nz: 1\r\n\r\n', LF],
    ['HTTP/1.1 200 OK\r\nx: y\r\n\n', LF],
    ['HTTP/1.1 200 OK\r\nx: y\n', LF],
    [head('content-length: 2', 'content-length: 2'), 'more than one Content-Length'],
    [head('Content-Length: 2', 'x: y', 'CONTENT-LENGTH: 3'), 'more than one Content-Length'],
    [head('content-length: 2', 'transfer-encoding: chunked'), 'both Content-Length and Transfer-Encoding'],
    [head('transfer-encoding: chunked', 'content-length: 2'), 'both Content-Length and Transfer-Encoding'],
    [head('content-length: 2, 2'), 'a Content-Length that is no number of bytes'],
    [head('content-length: -1'), 'a Content-Length that is no number of bytes'],
    [head('content-length:'), 'a Content-Length that is no number of bytes'],
    [head('content-length: 2', 'hello world'), NO_FIELD],
    [head('content-length: 2', 'x : y'), NO_FIELD],
    [head('content-length: 2', ': y'), NO_FIELD],
    [head('x: y', '  z'), 'a folded header line'],
  ])('names what is wrong with %j', (text, defect) => {
    expect(headDefect(text)).toBe(defect);
  });

  it.each([
    '',
    'SSH-2.0\nhello\n',
    '<html>\n</html>\n',
    head(),
    head('content-length: 2', 'x: y', 'x: z'),
    head('transfer-encoding: chunked'),
    'HTTP/1.1 2',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-le',
    `${head('content-length: 40')}content-length: 1\r\ncontent-length: 2\n\n`,
  ])('finds nothing in %j', (text) => {
    expect(headDefect(text)).toBeUndefined();
  });

  it('never throws', () => {
    const text = fc.string({ unit: fc.constantFrom('\r', '\n', ':', ' ', 'x', '1', 'content-length', 'HTTP/') });
    fc.assert(
      fc.property(text, (rest) => {
        expect(typeof headDefect(`HTTP/1.1 200 OK\r\n${rest}`)).toMatch(/^(string|undefined)$/);
      }),
    );
  });
});
