import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { KeyCache } from '../../../api/http/key-cache.js';

beforeEach(() => {
  vi.useFakeTimers();
  // The cache takes a time of 0 for none.
  vi.advanceTimersByTime(1);
});
afterEach(() => {
  vi.useRealTimers();
});

function cacheOf(users: Map<string, string>) {
  const find = vi.fn(async (key: string) => users.get(key));
  return { cache: new KeyCache(find), find };
}

describe('KeyCache', () => {
  test('asks once for a key that is used again and again', async () => {
    const { cache, find } = cacheOf(new Map([['k-1', 'u-1']]));
    await cache.callerOf('k-1');
    expect(await cache.callerOf('k-1')).toMatchObject({ userId: 'u-1' });
    expect(find).toHaveBeenCalledTimes(1);
  });

  test('turns a revoked key away after five seconds, however busy it is', async () => {
    const users = new Map([['k-1', 'u-1']]);
    const { cache } = cacheOf(users);
    await cache.callerOf('k-1');
    users.delete('k-1');
    for (let second = 1; second < 5; second += 1) {
      vi.advanceTimersByTime(1_000);
      expect(await cache.callerOf('k-1')).toBeDefined();
    }
    vi.advanceTimersByTime(1_001);
    expect(await cache.callerOf('k-1')).toBeUndefined();
  });

  test('asks for an unknown key once a second, however often it is tried', async () => {
    const users = new Map<string, string>();
    const { cache, find } = cacheOf(users);
    for (let request = 0; request < 3; request += 1) expect(await cache.callerOf('k-1')).toBeUndefined();
    expect(find).toHaveBeenCalledTimes(1);
    users.set('k-1', 'u-1');
    vi.advanceTimersByTime(1_001);
    expect(await cache.callerOf('k-1')).toMatchObject({ userId: 'u-1' });
  });

  test('shares a lookup, and the permission for it, between those who ask at once', async () => {
    const { cache, find } = cacheOf(new Map([['k-1', 'u-1']]));
    const permit = vi.fn(async () => undefined);
    const callers = await Promise.all(Array.from({ length: 10 }, () => cache.callerOf('k-1', permit)));
    expect(permit).toHaveBeenCalledTimes(1);
    expect(new Set(callers.map((caller) => caller?.userId))).toEqual(new Set(['u-1']));
    expect(find).toHaveBeenCalledTimes(1);
  });

  test('asks whether it may look up, but not for a key that was valid lately', async () => {
    const { cache, find } = cacheOf(new Map([['k-1', 'u-1']]));
    const refuse = vi.fn(() => Promise.reject(new Error('too many')));
    await cache.callerOf('k-1');
    vi.advanceTimersByTime(60_000);
    expect(await cache.callerOf('k-1', refuse)).toMatchObject({ userId: 'u-1' });
    await expect(cache.callerOf('k-2', refuse)).rejects.toThrow('too many');
    expect(find.mock.calls).toEqual([['k-1'], ['k-1']]);
  });

  test('tells the keys of one user apart, without holding them', async () => {
    const { cache } = cacheOf(
      new Map([
        ['k-1', 'u-1'],
        ['k-2', 'u-1'],
      ]),
    );
    const [first, second] = [await cache.callerOf('k-1'), await cache.callerOf('k-2')];
    expect(first?.keyHash).not.toBe(second?.keyHash);
    expect(JSON.stringify([first, second])).not.toMatch(/k-[12]/);
  });

  test('asks anew after an error', async () => {
    const find = vi.fn().mockRejectedValueOnce(new Error('away')).mockResolvedValueOnce('u-1');
    const cache = new KeyCache(find);
    await expect(cache.callerOf('k-1')).rejects.toThrow('away');
    expect(await cache.callerOf('k-1')).toMatchObject({ userId: 'u-1' });
  });

  test('takes a key that was valid for one that was, however often the database was away since', async () => {
    const find = vi.fn().mockResolvedValueOnce('u-1');
    const cache = new KeyCache(find);
    await cache.callerOf('k-1');
    vi.advanceTimersByTime(5_001);
    find.mockRejectedValue(new Error('away'));
    const refuse = vi.fn(() => Promise.reject(new Error('too many')));
    for (let request = 0; request < 3; request += 1) {
      await expect(cache.callerOf('k-1', refuse)).rejects.toThrow('away');
    }
    find.mockResolvedValue('u-1');
    expect(await cache.callerOf('k-1', refuse)).toMatchObject({ userId: 'u-1' });
  });

  test('forgets the oldest keys rather than growing without end', async () => {
    const find = vi.fn(async () => 'u-1');
    const cache = new KeyCache(find);
    for (let key = 0; key <= 10_000; key += 1) await cache.callerOf(`k-${key}`);
    find.mockClear();
    await cache.callerOf('k-10000');
    expect(find).not.toHaveBeenCalled();
    await cache.callerOf('k-0');
    expect(find).toHaveBeenCalledTimes(1);
  });
});
