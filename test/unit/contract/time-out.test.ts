import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { withTimeOut } from '../../../contract/time-out.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const late = new Error('late');
const reason = () => late;
const never = () => new Promise<never>(() => undefined);

describe('work with a time-out', () => {
  test('answers as the work does, and leaves no timer and no listener behind', async () => {
    const outer = new AbortController();
    expect(await withTimeOut(1_000, async () => 7, { reason, outer: outer.signal })).toBe(7);
    await expect(withTimeOut(1_000, () => Promise.reject(new Error('no')), { reason })).rejects.toThrow('no');
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(outer.signal, 'abort')).toEqual([]);
  });

  test('ends when the time is up, also where the work does not heed its signal', async () => {
    const signals: AbortSignal[] = [];
    const work = (signal: AbortSignal) => {
      signals.push(signal);
      return never();
    };
    const answer = withTimeOut(1_000, work, { reason });
    const ended = expect(answer).rejects.toBe(late);
    vi.advanceTimersByTime(999);
    expect(signals[0]?.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    await ended;
    expect(signals[0]?.reason).toBe(late);
  });

  test('ends when the outer signal is aborted, and does not begin when it has been', async () => {
    const outer = new AbortController();
    const gone = new Error('gone');
    const ended = expect(withTimeOut(1_000, never, { reason, outer: outer.signal })).rejects.toBe(gone);
    outer.abort(gone);
    await ended;
    const work = vi.fn(never);
    await expect(withTimeOut(1_000, work, { reason, outer: outer.signal })).rejects.toBe(gone);
    expect(work).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('leaves a failure that comes too late to nobody', async () => {
    const answer = withTimeOut(10, () => new Promise((_, reject) => setTimeout(reject, 20, new Error('too late'))), {
      reason,
    });
    const ended = expect(answer).rejects.toBe(late);
    await vi.advanceTimersByTimeAsync(50);
    await ended;
  });
});
