import { describe, expect, test } from 'vitest';
import { InvalidRequestError } from '../../../contract/index.js';
import { describeStores, unique } from '../../support/stores.js';

describeStores('credentials', (harness) => {
  describe('API keys', () => {
    test('name their user until they are revoked', async () => {
      const { store } = harness();
      const user = unique('user');
      const { key, prefix } = await store.createApiKey(user);
      expect(await store.findUserByApiKey(key)).toBe(user);
      expect(await store.listApiKeys(user)).toMatchObject([{ prefix, user_id: user, revoked_at: null }]);
      expect(await store.revokeApiKey(prefix)).toBe(true);
      expect(await store.findUserByApiKey(key)).toBeUndefined();
      expect(await store.revokeApiKey(prefix)).toBe(false);
      const [info] = await store.listApiKeys(user);
      expect(Date.parse(info?.revoked_at ?? '')).toBeGreaterThanOrEqual(Date.parse(info?.created_at ?? ''));
    });

    test('are not in the database, and unlike each other', async () => {
      const { store, query } = harness();
      const [one, two] = [await store.createApiKey(unique('user')), await store.createApiKey(unique('user'))];
      expect(one.key).toMatch(/^pk_[\w-]{43}$/);
      expect(one.key).not.toBe(two.key);
      expect(JSON.stringify(await query('select * from api_keys'))).not.toContain(one.key.slice(10));
    });

    test.each(['', 'pk_', 'nonsense', 'odd \0 bytes'])('%j names nobody', async (key) => {
      expect(await harness().store.findUserByApiKey(key)).toBeUndefined();
    });

    test('may be given, repeatedly, and stay revoked', async () => {
      const { store } = harness();
      const [user, key] = [unique('user'), unique('secret')];
      const created = await store.createApiKey(user, key);
      expect(created.key).toBe(key);
      expect(created.prefix).not.toContain(key.slice(0, 8));
      expect(await store.createApiKey(user, key)).toEqual(created);
      expect(await store.findUserByApiKey(key)).toBe(user);
      expect(await store.revokeApiKey(created.prefix)).toBe(true);
      await store.createApiKey(user, key);
      expect(await store.findUserByApiKey(key)).toBeUndefined();
    });

    test("that are given must not be another user's, nor empty", async () => {
      const { store } = harness();
      const key = unique('secret');
      await store.createApiKey(unique('user'), key);
      await expect(store.createApiKey(unique('user'), key)).rejects.toThrow(InvalidRequestError);
      await expect(store.createApiKey(unique('user'), '')).rejects.toThrow('key must not be empty');
    });
  });

  describe('signing secrets', () => {
    test('are listed without the secret, oldest first, and can be revoked', async () => {
      const { store } = harness();
      const user = unique('user');
      const [first, second] = [await store.createSigningSecret(user), await store.createSigningSecret(user)];
      expect(Buffer.from(first.secret.slice('whsec_'.length), 'base64')).toHaveLength(32);
      const listed = await store.listSigningSecrets(user);
      expect(listed.map(({ id }) => id)).toEqual([first.id, second.id]);
      expect(JSON.stringify(listed)).not.toContain(first.secret);
      expect(await store.revokeSigningSecret(first.id)).toBe(true);
      expect(await store.revokeSigningSecret(first.id)).toBe(false);
      expect(await store.listSigningSecrets(user)).toMatchObject([
        { revoked_at: expect.any(String) },
        { revoked_at: null },
      ]);
    });

    test('may be given', async () => {
      const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
      expect(await harness().store.createSigningSecret(unique('user'), { secret })).toMatchObject({ secret });
    });

    test.each([
      'secret',
      'whsec_',
      `whsec_${Buffer.alloc(23).toString('base64')}`,
      `whsec_${Buffer.alloc(65).toString('base64')}`,
      `whsec_${'*'.repeat(40)}`,
    ])('that are given must be what Standard Webhooks asks for: %s', async (secret) => {
      await expect(harness().store.createSigningSecret(unique('user'), { secret })).rejects.toThrow(
        InvalidRequestError,
      );
    });
  });
});
