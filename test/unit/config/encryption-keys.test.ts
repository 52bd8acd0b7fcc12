import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { InvalidConfigError, loadConfig } from '../../../config/index.js';

const [ONE = '', TWO = ''] = [1, 2].map(() => randomBytes(32).toString('base64'));
const load = (POSTCALL_ENCRYPTION_KEYS: string) => loadConfig({ POSTCALL_ENCRYPTION_KEYS }).encryption;

describe('POSTCALL_ENCRYPTION_KEYS', () => {
  it('is not set: nothing is encrypted', () => {
    expect(load('')).toBeUndefined();
    expect(load(' , ')).toBeUndefined();
  });

  it('names keys, newest first', () => {
    const encryption = load(` 2026-11:${ONE} , old_1.0:${TWO}\n`);
    expect(encryption?.encrypts).toBe(true);
    expect(encryption?.keys.map(({ name, key }) => [name, key.export().toString('base64')])).toEqual([
      ['2026-11', ONE],
      ['old_1.0', TWO],
    ]);
  });

  it('with clear in front only reads', () => {
    expect(load(`clear,k:${ONE}`)).toMatchObject({ encrypts: false, keys: [{ name: 'k' }] });
  });

  it.each([
    ['a key without a name', ONE],
    ['an empty name', `:${ONE}`],
    ['a name with a quote', `o'k:${ONE}`],
    ['a short key', `k:${randomBytes(16).toString('base64')}`],
    ['a long key', `k:${randomBytes(33).toString('base64')}`],
    ['a passphrase', 'k:correct horse battery staple'],
    ['hexadecimal', `k:${randomBytes(32).toString('hex')}`],
    ['clear alone', 'clear'],
    ['clear at the end', `k:${ONE},clear`],
    ['a name twice', `k:${ONE},k:${TWO}`],
    ['a key twice', `k:${ONE},l:${ONE}`],
  ])('is refused with %s, and no key is repeated', (_, value) => {
    try {
      load(value);
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidConfigError);
      const { message } = error as InvalidConfigError;
      expect(message).toMatch(/POSTCALL_ENCRYPTION_KEYS must (be name:key pairs|not have the same name)/);
      for (const part of value.split(/[:,]/).filter((text) => text.length > 8)) expect(message).not.toContain(part);
      return;
    }
    throw new Error('it was taken');
  });
});
