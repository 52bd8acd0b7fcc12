import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallUnusableError, checkCall, MAX_CALL_BYTES, MAX_CALL_DEPTH } from '../../../contract/call-record.js';

const reasonOf = (data: string | Record<string, unknown>): string => {
  try {
    checkCall('c-1', data);
  } catch (error) {
    if (error instanceof CallUnusableError) return error.message;
    throw error;
  }
  throw new Error('the call was taken');
};

const nested = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;

describe('a text', () => {
  it.each([
    ['whitespace around it', ' \n{"call_id": "c-1"}\t'],
    ['keys that repeat', '{"a":1,"a":2,"b":{"user_id":1,"user_id":2}}'],
    ['numbers beyond double precision', '{"price":12345678901234567890.10,"n":1e400,"z":-0}'],
    ['a key __proto__', '{"__proto__":{"user_id":"u-2"},"constructor":1}'],
    ['escapes', '{"\\u0061":"\\ud83d\\ude00 \\/ \\"{[\\\\"}'],
    ['the deepest allowed nesting', nested(MAX_CALL_DEPTH)],
    ['brackets inside strings', `{"a":"${'[{'.repeat(1_000)}"}`],
  ])('with %s stays as it is', (_, text) => {
    expect(checkCall('c-1', text).text).toBe(text);
  });

  it.each([
    '',
    ' ',
    '<html></html>',
    '{"a":',
    '{"a":1}{"b":2}',
    '{"a":1},',
    "{'a':1}",
    '"',
    '{"a":"\\',
    '{"a":"\u0000"}',
  ])('that is not JSON is refused: %j', (text) => {
    expect(reasonOf(text)).toBe('the call is not JSON');
  });

  it.each(['null', '1', 'true', '"text"', '[]', '[{"call_id":"c-1"}]'])('that is no object is refused: %s', (text) => {
    expect(reasonOf(text)).toBe('the call is not a JSON object');
  });

  it.each([MAX_CALL_DEPTH + 1, 50_000])('nested %i levels deep is refused', (levels) => {
    expect(reasonOf(nested(levels))).toBe('the call is nested deeper than 100 levels');
    expect(reasonOf(`{"a":${'{"b":'.repeat(levels)}`)).toBe('the call is nested deeper than 100 levels');
  });

  it('is measured in bytes of UTF-8', () => {
    const filled = (bytes: number) => `{"a":"${'ü'.repeat((bytes - 8) / 2)}"}`;
    const largest = filled(MAX_CALL_BYTES);
    expect(Buffer.byteLength(largest)).toBe(MAX_CALL_BYTES);
    expect(checkCall('c-1', largest).text).toBe(largest);
    expect(reasonOf(filled(MAX_CALL_BYTES + 2))).toBe('the call has more than 10485760 bytes');
  });

  it('with a surrogate alone is refused: no UTF-8 exists for it', () => {
    expect(reasonOf('{"a":"\ud83d"}')).toBe('the call is not well-formed Unicode');
  });

  it('says its reason without quoting anything', () => {
    for (const text of ['secret', '{"secret":', '{"call_id":"secret"}', '{"user_id":["secret"]}']) {
      expect(reasonOf(text)).not.toContain('secret');
    }
  });
});

describe('the owner', () => {
  it.each([
    ['{"user_id":"u-1"}', 'u-1'],
    ['{"user_id":7}', '7'],
    ['{"user_id": 7 }', '7'],
    ['{"user_id":12345678901234567890}', '12345678901234567890'],
    ['{"user_id":7.0}', '7.0'],
    ['{"\\u0075ser_id":"u-1"}', 'u-1'],
    ['{"a":{"user_id":"u-2"},"user_id":"u-1"}', 'u-1'],
    ['{"a":"\\"user_id\\":1","user_id":2}', '2'],
  ])('of %s is %s', (text, owner) => {
    expect(checkCall('c-1', text).owner).toBe(owner);
  });

  it.each(['{}', '{"user_id":null}', '{"a":{"user_id":"u-2"}}', '{"__proto__":{"user_id":"u-2"}}', '{"a":"user_id"}'])(
    'is not named by %s',
    (text) => {
      expect(checkCall('c-1', text).owner).toBeUndefined();
    },
  );

  it.each(['["u-1"]', '{}', 'true', 'false'])('cannot be %s', (value) => {
    expect(reasonOf(`{"user_id":${value}}`)).toBe("the record's user_id is neither a string nor a number");
  });

  it.each(['"user_id"', '"\\u0075ser_id"', '"user\\u005Fid"'])(
    'cannot be named twice, in whatever spelling: %s',
    (key) => {
      expect(reasonOf(`{"user_id":"u-1",${key}:"u-1"}`)).toBe('the record has more than one user_id');
      expect(reasonOf(`{${key}:null,"user_id":"u-1"}`)).toBe('the record has more than one user_id');
    },
  );
});

describe('the call ID', () => {
  it.each(['{}', '{"call_id":"c-1"}', '{"call_id":null}', '{"call_id":["c-2"]}'])('may be as in %s', (text) => {
    expect(checkCall('c-1', text).text).toBe(text);
  });

  it('may be a number', () => {
    expect(checkCall('17', '{"call_id":17}').text).toBe('{"call_id":17}');
  });

  it.each(['"c-2"', '""', '1', '17.0'])('must not be that of another call: %s', (value) => {
    expect(reasonOf(`{"call_id":${value}}`)).toBe('the record has the call_id of another call');
  });

  it('cannot be named twice', () => {
    expect(reasonOf('{"call_id":"c-1","call_id":"c-1"}')).toBe('the record has more than one call_id');
  });
});

describe('an object', () => {
  it('is serialised once', () => {
    const checked = checkCall('c-1', { call_id: 'c-1', user_id: 7, at: new Date(0), gone: undefined });
    expect(checked.text).toBe('{"call_id":"c-1","user_id":7,"at":"1970-01-01T00:00:00.000Z"}');
    expect(checked.owner).toBe('7');
  });

  it('that cannot be serialised is refused', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    const deep = Array.from({ length: 50_000 }).reduce<unknown>((inner) => ({ inner }), {});
    expect(reasonOf(cyclic)).toBe('the call cannot be serialised as JSON');
    expect(reasonOf({ n: 1n })).toBe('the call cannot be serialised as JSON');
    expect(reasonOf({ deep })).toMatch(/cannot be serialised|nested deeper/);
  });
});

describe('any JSON object', () => {
  const identities = fc.record(
    { user_id: fc.constantFrom('u-1', 'ü"\\', 7, null), call_id: fc.constant('c-1') },
    { requiredKeys: [] },
  );

  it('keeps its text and gives the owner that the parser finds', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })),
        identities,
        fc.boolean(),
        (fields, own, pretty) => {
          const { user_id: _, call_id: __, ...rest } = fields;
          const text = JSON.stringify({ ...rest, ...own }, null, pretty ? 2 : 0);
          const checked = checkCall('c-1', text);
          expect(checked.text).toBe(text);
          expect(checked.owner).toBe(
            own.user_id === undefined || own.user_id === null ? undefined : String(own.user_id),
          );
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('is taken or refused, and nothing else, whatever the text', () => {
    const texts = fc.string({
      unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', 'user_id', '1'),
      maxLength: 40,
    });
    fc.assert(
      fc.property(texts, (text) => {
        try {
          checkCall('c-1', text);
          JSON.parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(CallUnusableError);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
