import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeCallCursor,
  decodeFailureCursor,
  encodeCallCursor,
  encodeFailureCursor,
} from '../../../contract/cursor.js';
import { InvalidRequestError } from '../../../contract/index.js';

test('cursors come back as what they were made of, whatever characters a call ID has', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
      fc.nat(),
      (callId, ms) => {
        expect(decodeCallCursor(encodeCallCursor(callId))).toBe(callId);
        expect(decodeFailureCursor(encodeFailureCursor(ms, callId))).toEqual([ms, callId]);
      },
    ),
  );
});

const ofJson = (json: string): string => Buffer.from(json).toString('base64url');

test.each([
  '',
  'x',
  '%%%',
  'bnVsbA',
  encodeCallCursor('c').slice(0, -2),
  ofJson('[1]'),
  ofJson('[1,2]'),
  ofJson('["\\u0000"]'),
  ofJson('["\\ud800"]'),
  ofJson('[-1,"c"]'),
  ofJson('[1e300,"c"]'),
  ofJson('[1,"\\u0000"]'),
])('an invalid cursor is a problem of the field `cursor`: %j', (cursor) => {
  for (const decode of [decodeCallCursor, decodeFailureCursor]) {
    expect(() => decode(cursor)).toThrow(InvalidRequestError);
    expect(() => decode(cursor)).toThrow(/^cursor /);
  }
});

test('a cursor of another list is refused', () => {
  expect(() => decodeFailureCursor(encodeCallCursor('c'))).toThrow(InvalidRequestError);
});
