import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidRequestError } from '../../../contract/index.js';
import {
  decodeCallCursor,
  decodeFailureCursor,
  encodeCallCursor,
  encodeFailureCursor,
  toPage,
} from '../../../store/cursor.js';

test('cursors come back as what they were made of, whatever characters a call ID has', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), (callId, ms) => {
      expect(decodeCallCursor(encodeCallCursor(callId))).toBe(callId);
      expect(decodeFailureCursor(encodeFailureCursor(ms, callId))).toEqual([ms, callId]);
    }),
  );
});

test.each(['', 'x', '%%%', 'bnVsbA', encodeCallCursor('c').slice(0, -2), Buffer.from('[1]').toString('base64url')])(
  'an invalid cursor is a problem of the field `cursor`: %j',
  (cursor) => {
    for (const decode of [decodeCallCursor, decodeFailureCursor]) {
      expect(() => decode(cursor)).toThrow(InvalidRequestError);
      expect(() => decode(cursor)).toThrow(/^cursor /);
    }
  },
);

test('a cursor of another list is refused', () => {
  expect(() => decodeFailureCursor(encodeCallCursor('c'))).toThrow(InvalidRequestError);
});

test('a page has a next one only when there was one row more', () => {
  expect(toPage([1, 2, 3], 2, String)).toEqual({ page: [1, 2], next_cursor: '2' });
  expect(toPage([1, 2], 2, String)).toEqual({ page: [1, 2], next_cursor: null });
  expect(toPage([], 2, String)).toEqual({ page: [], next_cursor: null });
});
