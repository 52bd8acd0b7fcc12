import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Cipher, type ValueOwner } from '../../../../store/encryption/cipher.js';
import { DamagedValueError, EncryptionKeyMissingError, StoreUnavailableError } from '../../../../store/errors.js';
import { encryptionKey, encryptionWith } from '../../../support/encryption.js';

const OWNER: ValueOwner = ['call', 'acme', 'c1'];
const cipher = new Cipher(encryptionWith('2026', '2025'));
const text = fc.string({ unit: 'grapheme' });
const owner = fc.tuple(fc.constantFrom('call' as const, 'secret' as const), fc.string(), fc.string());
const caught = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};

describe('an envelope', () => {
  test('gives its text back to its owner, and to nobody else', () => {
    const property = fc.property(text, owner, owner, (value, one, other) => {
      const sealed = cipher.seal(value, one);
      expect(sealed).toMatch(/^enc1:2026:[0-9a-f]{8}:[A-Za-z0-9+/]+=*$/);
      expect(cipher.open(sealed, one)).toBe(value);
      fc.pre(JSON.stringify(one) !== JSON.stringify(other));
      expect(() => cipher.open(sealed, other)).toThrow(DamagedValueError);
    });
    fc.assert(property);
  });

  test('of which any byte was changed, cut off or added is damaged', () => {
    const property = fc.property(text, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat(), (value, at, by, cut) => {
      const sealed = cipher.seal(value, OWNER);
      const [, header = '', base64 = ''] = /^(.*:)(.*)$/.exec(sealed) ?? [];
      const bytes = Buffer.from(base64, 'base64');
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at % bytes.length) ^ by, at % bytes.length);
      for (const other of [changed, bytes.subarray(0, cut % bytes.length), Buffer.concat([bytes, changed])]) {
        expect(() => cipher.open(header + other.toString('base64'), OWNER)).toThrow(DamagedValueError);
      }
    });
    fc.assert(property);
  });

  test.each(['enc1:', 'enc1:2026', 'enc1:2026:zz:AAAA', "enc1:o'k:00000000:AAAA"])('%j is damaged', (value) => {
    expect(() => cipher.open(value, OWNER)).toThrow(DamagedValueError);
  });

  test('is another one each time, and holds nothing of its text', () => {
    const [one, two] = [cipher.seal('secret words', OWNER), cipher.seal('secret words', OWNER)];
    expect(one).not.toBe(two);
    expect(Buffer.from(one.split(':')[3] ?? '', 'base64').toString('latin1')).not.toContain('words');
  });
});

describe('keys', () => {
  test('that are older read what they wrote', () => {
    const sealed = new Cipher(encryptionWith('2025')).seal('text', OWNER);
    expect(cipher.open(sealed, OWNER)).toBe('text');
    expect(new Cipher(encryptionWith('2027', '2026', '2025')).open(sealed, OWNER)).toBe('text');
  });

  test('that are missing are named, as an absence of the store', () => {
    const sealed = cipher.seal('text', OWNER);
    const error = caught(() => new Cipher(encryptionWith('2025')).open(sealed, OWNER));
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(error).toBeInstanceOf(EncryptionKeyMissingError);
    expect((error as EncryptionKeyMissingError).key_id).toBe(cipher.newestKeyId);
    expect((error as Error).message).toMatch(
      /needs the encryption key 2026:[0-9a-f]{8}, which POSTCALL_ENCRYPTION_KEYS/,
    );
    expect(caught(() => new Cipher().open(sealed, OWNER))).toBeInstanceOf(EncryptionKeyMissingError);
  });

  test('of the same name that are others are told apart', () => {
    const other = new Cipher({ keys: [encryptionKey('2026', 'other words')], encrypts: true });
    const error = caught(() => other.open(cipher.seal('text', OWNER), OWNER)) as Error;
    expect(error).toBeInstanceOf(EncryptionKeyMissingError);
    expect(error.message).toContain(
      `${cipher.newestKeyId}; the key of that name in POSTCALL_ENCRYPTION_KEYS is another one, ${other.newestKeyId}`,
    );
  });

  test('that only read leave new values in the clear', () => {
    const reading = new Cipher(encryptionWith('clear', '2026'));
    expect(reading.seal('{"a":1}', OWNER)).toBe('{"a":1}');
    expect(reading.newestKeyId).toBeUndefined();
    expect(reading.open(cipher.seal('text', OWNER), OWNER)).toBe('text');
  });

  test('none: values are read and written as they are', () => {
    expect(new Cipher().seal('{"a":1}', OWNER)).toBe('{"a":1}');
    expect(new Cipher().open('{"a":1}', OWNER)).toBe('{"a":1}');
  });

  test.each([
    ['a name with a quote', "o'k", 32],
    ['an empty name', '', 32],
    ['a name with a colon', 'a:b', 32],
    ['a key that is too short', 'k', 16],
  ])('are refused: %s', (_, name, bytes) => {
    const options = { keys: [{ name, key: createSecretKey(Buffer.alloc(bytes, 1)) }], encrypts: true };
    expect(() => new Cipher(options)).toThrow(TypeError);
  });

  test('are not shown by whatever prints the options', () => {
    const shown = JSON.stringify(encryptionWith('2026')) + String(encryptionKey('2026').key);
    expect(shown).not.toContain(encryptionKey('2026').key.export().toString('base64'));
    expect(shown).not.toContain(encryptionKey('2026').key.export().toString('hex'));
  });
});
