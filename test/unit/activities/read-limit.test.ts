import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ReadLimit } from '../../../activities/read-limit.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Reads that end when they are told to. */
function reads(limit: ReadLimit, count: number) {
  const started: (() => void)[] = [];
  for (let index = 0; index < count; index += 1) {
    void limit.run(() => new Promise<void>((resolve) => started.push(resolve)));
  }
  return started;
}

const passed = (ms: number) => vi.advanceTimersByTimeAsync(ms);

it('so many calls are read at once, and the next one when one has ended', async () => {
  const started = reads(new ReadLimit({ quick: 2 }), 4);
  await passed(0);
  expect(started).toHaveLength(2);
  started[0]?.();
  await passed(0);
  expect(started).toHaveLength(3);
});

it('reads that have lasted a second hold up no other', async () => {
  const started = reads(new ReadLimit({ quick: 2 }), 6);
  await passed(999);
  expect(started).toHaveLength(2);
  await passed(1);
  expect(started).toHaveLength(4);
  await passed(1_000);
  expect(started).toHaveLength(6);
});

it('slow reads are bounded too', async () => {
  const limit = new ReadLimit({ quick: 2, all: 3 });
  const started = reads(limit, 5);
  await passed(60_000);
  expect(started).toHaveLength(3);
  started[0]?.();
  await passed(0);
  expect(started).toHaveLength(4);
  for (const end of started) end();
  await passed(0);
  expect(started).toHaveLength(5);
});

it('a read that fails gives its place back, and its caller hears why', async () => {
  const limit = new ReadLimit({ quick: 1 });
  const broken = limit.run(() => Promise.reject(new Error('broken')));
  const next = limit.run(() => Promise.resolve('read'));
  await expect(broken).rejects.toThrow('broken');
  await expect(next).resolves.toBe('read');
});
