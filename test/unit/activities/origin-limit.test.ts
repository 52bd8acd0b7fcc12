import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Busy, MAX_WAITING, OriginLimit, type Place } from '../../../activities/origin-limit.js';

const isBusy = (answer: Place | Busy): answer is Busy => 'busy' in answer;

async function place(limit: OriginLimit, origin = 'a'): Promise<Place> {
  const answer = await limit.enter(origin);
  if (isBusy(answer)) throw new Error('no place is free');
  return answer;
}

async function retryIn(limit: OriginLimit, origin = 'a'): Promise<number> {
  const answer = await limit.enter(origin);
  if (!isBusy(answer)) throw new Error('a place is free');
  return answer.retry_in_ms;
}

/** For an origin that gives no place back while its caller waits. */
async function waitsInVain(limit: OriginLimit, origin = 'a'): Promise<void> {
  const answer = retryIn(limit, origin);
  await vi.advanceTimersByTimeAsync(150);
  expect(await answer).toBeGreaterThanOrEqual(200);
}

/** All at once. */
const times = <T>(count: number, make: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, make));

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A limit that is full, at an origin whose attempts take `durationMs`: one has just ended. */
async function fullLimit(limit: number, durationMs: number) {
  const origins = new OriginLimit({ limit });
  const places = await times(limit, () => place(origins));
  vi.advanceTimersByTime(durationMs);
  places[0]?.leave(durationMs);
  places[0] = await place(origins);
  return { origins, places };
}

/** So many callers come at once, and each comes again when it was told to, until it has been served. */
async function simulate(calls: number, durationMs: number) {
  let asks = 0;
  const origins = new OriginLimit({ limit: 100 });
  const call = async () => {
    for (;;) {
      asks += 1;
      const answer = await origins.enter('a');
      if (!isBusy(answer)) {
        await later(durationMs);
        return answer.leave(durationMs);
      }
      await later(answer.retry_in_ms);
    }
  };
  const from = Date.now();
  const finished = times(calls, call).then(() => Date.now() - from);
  await vi.runAllTimersAsync();
  return { finishedAt: await finished, asks };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('OriginLimit', () => {
  it('lets as many in as its limit, and no more until one leaves', async () => {
    const limit = new OriginLimit({ limit: 2 });
    const [first] = await times(2, () => place(limit));
    await waitsInVain(limit);
    first?.leave(10);
    await place(limit);
    await waitsInVain(limit);
  });

  it('counts each origin by itself', async () => {
    const limit = new OriginLimit({ limit: 1 });
    await place(limit, 'a');
    await waitsInVain(limit, 'a');
    await place(limit, 'b');
  });

  it('counts a place that is given back twice once', async () => {
    const limit = new OriginLimit({ limit: 2 });
    const [first] = await times(2, () => place(limit));
    first?.leave(10);
    first?.leave(10);
    await place(limit);
    await waitsInVain(limit);
  });

  it('gives those who wait the places that become free, in the order in which they came', async () => {
    const { origins, places } = await fullLimit(3, 50);
    const served: string[] = [];
    const callers = ['one', 'two', 'three'].map(async (name) => {
      await place(origins);
      served.push(name);
    });
    for (const [index, { leave }] of places.entries()) {
      expect(served).toHaveLength(index);
      leave(50);
      await callers[index];
    }
    expect(served).toEqual(['one', 'two', 'three']);
  });

  it('lets nobody wait who would have to wait for more than 150 ms', async () => {
    const { origins, places } = await fullLimit(10, 750);
    // A place becomes free every 75 ms.
    const answers = [origins.enter('a'), origins.enter('a')];
    expect(await retryIn(origins)).toBe(200);
    for (const { leave } of places.slice(0, 2)) leave(750);
    expect((await Promise.all(answers)).map(isBusy)).toEqual([false, false]);
  });

  it('lets nobody wait at an origin that gives no place back any more', async () => {
    const { origins } = await fullLimit(100, 5);
    vi.advanceTimersByTime(151);
    expect(new Set(await times(500, () => retryIn(origins)))).toEqual(new Set([200]));
  });

  it('lets callers wait at an origin that has just become full, however long nothing was sent there before', async () => {
    const { origins, places } = await fullLimit(10, 5);
    for (const { leave } of places.splice(1)) leave(5);
    vi.advanceTimersByTime(10_000);
    const [taken] = await times(9, () => place(origins));
    const waits = place(origins);
    taken?.leave(5);
    await waits;
  });

  it('lets so many callers wait at all origins, and no more', async () => {
    const origins = new OriginLimit({ limit: 1 });
    const names = Array.from({ length: MAX_WAITING }, (_, index) => `origin ${index}`);
    await Promise.all([...names, 'one more'].map((name) => place(origins, name)));
    const waiting = Promise.all(names.map((name) => retryIn(origins, name)));
    expect(await retryIn(origins, 'one more')).toBeGreaterThanOrEqual(200);
    await vi.advanceTimersByTimeAsync(150);
    expect(await waiting).toHaveLength(MAX_WAITING);
  });

  it('counts how long a place is held, and not the request alone', async () => {
    const held = new OriginLimit({ limit: 10 });
    const places = await times(10, () => place(held));
    vi.advanceTimersByTime(5_000);
    places[0]?.leave(500);
    await place(held);
    expect(await retryIn(held)).toBe(500);
  });

  it('promises the places to busy callers one after the other, as attempts end', async () => {
    const { origins } = await fullLimit(10, 4_000);
    // One of ten places becomes free every 400 ms.
    expect(await times(5, () => retryIn(origins))).toEqual([400, 800, 1_200, 1_600, 2_000]);
  });

  it('takes time that has passed off its promises', async () => {
    const { origins } = await fullLimit(10, 4_000);
    await times(5, () => retryIn(origins));
    vi.advanceTimersByTime(1_000);
    expect(await retryIn(origins)).toBe(1_400);
    vi.advanceTimersByTime(59_000);
    expect(await retryIn(origins)).toBe(400);
  });

  it('sends nobody back sooner than after 200 ms', async () => {
    const { origins } = await fullLimit(100, 20);
    const delays = times(50, () => retryIn(origins));
    await vi.advanceTimersByTimeAsync(150);
    expect(new Set(await delays)).toEqual(new Set([200]));
  });

  it('spreads a crowd over the longest wait without forming a herd', async () => {
    const { origins } = await fullLimit(100, 16_000);
    const delays = await times(900, () => retryIn(origins));
    expect(Math.max(...delays)).toBeLessThanOrEqual(15_000);
    const perSecond = new Map<number, number>();
    for (const delay of delays) {
      const second = Math.floor(delay / 1_000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    }
    expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(150);
  });

  it('follows an origin that becomes slower or faster', async () => {
    const { origins, places } = await fullLimit(10, 2_000);
    const again = async (durationMs: number) => {
      for (let turn = 0; turn < 30; turn += 1) {
        vi.advanceTimersByTime(durationMs);
        places.pop()?.leave(durationMs);
        places.push(await place(origins));
      }
    };
    await again(10_000);
    expect(await retryIn(origins)).toBeGreaterThan(900);
    await again(1_600);
    const before = await retryIn(origins);
    expect((await retryIn(origins)) - before).toBeLessThan(200);
  });

  it('learns nothing from a place that was given back without a request', async () => {
    const { origins, places } = await fullLimit(10, 4_000);
    places.pop()?.leave();
    await place(origins);
    expect(await retryIn(origins)).toBe(400);
  });

  it('expects attempts of which none has ended to take at least as long as they have', async () => {
    const origins = new OriginLimit({ limit: 10 });
    await times(10, () => place(origins));
    vi.advanceTimersByTime(8_000);
    expect(await retryIn(origins)).toBe(800);
  });

  it('forgets an origin when its last attempt has ended', async () => {
    const limit = new OriginLimit({ limit: 2 });
    const places = await Promise.all(Array.from({ length: 1_000 }, (_, index) => place(limit, `origin ${index}`)));
    expect(limit.size).toBe(1_000);
    for (const { leave } of places) leave(5);
    expect(limit.size).toBe(0);
  });

  describe('says that an origin is slow', () => {
    const limit = () => new OriginLimit({ limit: 100 });

    it('when attempts take more than 250 ms on average', async () => {
      const origins = limit();
      await place(origins); // An origin without attempts in flight is forgotten.
      (await place(origins)).leave(250);
      expect(origins.isSlow('a')).toBe(false);
      (await place(origins)).leave(400);
      expect(origins.isSlow('a')).toBe(true);
      expect(origins.isSlow('b')).toBe(false);
    });

    it('until it has become fast again', async () => {
      const origins = limit();
      await place(origins);
      (await place(origins)).leave(2_000);
      for (const { leave } of await times(20, () => place(origins))) leave(10);
      expect(origins.isSlow('a')).toBe(false);
    });

    it('when its oldest request has taken more than 250 ms already', async () => {
      const origins = limit();
      const [first, second] = await times(2, () => place(origins));
      first?.begin();
      vi.advanceTimersByTime(200);
      second?.begin();
      vi.advanceTimersByTime(51);
      expect(origins.isSlow('a')).toBe(true);
      first?.leave();
      expect(origins.isSlow('a')).toBe(false);
      vi.advanceTimersByTime(200);
      expect(origins.isSlow('a')).toBe(true);
    });

    it('and not while attempts are only being prepared', async () => {
      const origins = limit();
      const prepared = await place(origins);
      vi.advanceTimersByTime(10_000);
      expect(origins.isSlow('a')).toBe(false);
      prepared.leave();
      prepared.begin();
      await place(origins);
      vi.advanceTimersByTime(10_000);
      expect(origins.isSlow('a')).toBe(false);
    });
  });

  it.each([
    // Asking every 200 ms would take 3.5, 24 and 316 questions for each call.
    { calls: 1_000, durationMs: 100, asksPerCall: 3 },
    { calls: 1_000, durationMs: 1_000, asksPerCall: 4 },
    { calls: 1_000, durationMs: 14_000, asksPerCall: 9 },
  ])(
    'keeps an origin busy with few questions: $calls calls of $durationMs ms',
    async ({ calls, durationMs, asksPerCall }) => {
      const { finishedAt, asks } = await simulate(calls, durationMs);
      const ideal = (calls / 100) * durationMs;
      // Those who come back when a place has just been taken wait for the shortest wait once more.
      expect(finishedAt).toBeLessThan(ideal * 1.2 + 2_000);
      expect(asks / calls).toBeLessThan(asksPerCall);
    },
  );

  it('never has more in flight than its limit, and keeps nobody waiting beside a free place', async () => {
    const steps = fc.array(
      fc.oneof(
        fc.constant('enter' as const),
        fc.nat(1_000),
        fc.nat(150).map((ms) => ({ ms })),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), steps, async (maxInFlight, script) => {
        const limit = new OriginLimit({ limit: maxInFlight });
        const inside: Place[] = [];
        let waiting = 0;
        const enter = async () => {
          waiting += 1;
          const answer = await limit.enter('a');
          waiting -= 1;
          if (isBusy(answer)) {
            expect(answer.retry_in_ms).toBeGreaterThanOrEqual(200);
            expect(answer.retry_in_ms).toBeLessThanOrEqual(15_000);
          } else inside.push(answer);
        };
        const entered: Promise<void>[] = [];
        for (const step of script) {
          if (step === 'enter') entered.push(enter());
          else if (typeof step === 'number') inside.shift()?.leave(step);
          await vi.advanceTimersByTimeAsync(typeof step === 'object' ? step.ms : 0);
          expect(inside.length).toBeLessThanOrEqual(maxInFlight);
          if (waiting > 0) expect(inside).toHaveLength(maxInFlight);
        }
        await vi.advanceTimersByTimeAsync(150);
        await Promise.all(entered);
        for (const { leave } of inside) leave();
        expect(limit.size).toBe(0);
      }),
    );
  });
});
