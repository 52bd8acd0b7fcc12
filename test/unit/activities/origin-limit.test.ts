import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Busy, OriginLimit, type Place } from '../../../activities/origin-limit.js';

const isBusy = (answer: Place | Busy): answer is Busy => 'busy' in answer;

const place = (limit: OriginLimit, origin = 'a'): Place => {
  const answer = limit.enter(origin);
  if (isBusy(answer)) throw new Error('no place is free');
  return answer;
};
const retryIn = (limit: OriginLimit, origin = 'a'): number => {
  const answer = limit.enter(origin);
  if (!isBusy(answer)) throw new Error('a place is free');
  return answer.retry_in_ms;
};
const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

/** A limit that is full, at an origin whose attempts take `durationMs`. */
function fullLimit(limit: number, durationMs: number) {
  const clock = { now: 0 };
  const origins = new OriginLimit({ limit, now: () => clock.now });
  const places = times(limit, () => place(origins));
  places[0]?.leave(durationMs);
  places[0] = place(origins);
  return { origins, clock, places };
}

/** So many callers come at once, and each comes again when it was told to, until it has been served. */
function simulate(calls: number, durationMs: number) {
  let now = 0;
  let asks = 0;
  const origins = new OriginLimit({ limit: 100, now: () => now });
  const events = new Map<number, (() => void)[]>();
  const at = (time: number, event: () => void) => events.set(time, [...(events.get(time) ?? []), event]);
  const ask = () => {
    asks += 1;
    const answer = origins.enter('a');
    if (isBusy(answer)) at(now + answer.retry_in_ms, ask);
    else at(now + durationMs, () => answer.leave(durationMs));
  };
  at(0, () => times(calls, ask));
  while (events.size > 0) {
    now = Math.min(...events.keys());
    const due = events.get(now) ?? [];
    events.delete(now);
    for (const event of due) event();
  }
  return { finishedAt: now, asks };
}

describe('OriginLimit', () => {
  it('lets as many in as its limit, and no more until one leaves', () => {
    const limit = new OriginLimit({ limit: 2 });
    const [first] = [place(limit), place(limit)];
    expect(isBusy(limit.enter('a'))).toBe(true);
    first.leave(10);
    expect(isBusy(limit.enter('a'))).toBe(false);
    expect(isBusy(limit.enter('a'))).toBe(true);
  });

  it('has a hundred places at each origin by default', () => {
    const limit = new OriginLimit({ limit: 100 });
    times(100, () => place(limit, 'a'));
    expect(isBusy(limit.enter('a'))).toBe(true);
    times(100, () => place(limit, 'b'));
  });

  it('counts a place that is given back twice once', () => {
    const limit = new OriginLimit({ limit: 2 });
    const first = place(limit);
    place(limit);
    first.leave(10);
    first.leave(10);
    place(limit);
    expect(isBusy(limit.enter('a'))).toBe(true);
  });

  it('promises the places to busy callers one after the other, as attempts end', () => {
    const { origins } = fullLimit(10, 4_000);
    // One of ten places becomes free every 400 ms.
    expect(times(5, () => retryIn(origins))).toEqual([400, 800, 1_200, 1_600, 2_000]);
  });

  it('takes time that has passed off its promises', () => {
    const { origins, clock } = fullLimit(10, 4_000);
    times(5, () => retryIn(origins));
    clock.now = 1_000;
    expect(retryIn(origins)).toBe(1_400);
    clock.now = 60_000;
    expect(retryIn(origins)).toBe(400);
  });

  it('sends nobody back sooner than after 200 ms', () => {
    const { origins } = fullLimit(100, 20);
    expect(new Set(times(50, () => retryIn(origins)))).toEqual(new Set([200]));
  });

  it('spreads a crowd over the longest wait without forming a herd', () => {
    const { origins } = fullLimit(100, 14_000);
    const delays = times(900, () => retryIn(origins));
    expect(Math.max(...delays)).toBeLessThanOrEqual(15_000);
    const perSecond = new Map<number, number>();
    for (const delay of delays) {
      const second = Math.floor(delay / 1_000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    }
    expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(150);
  });

  it('follows an origin that becomes slower or faster', () => {
    const { origins, places } = fullLimit(10, 1_000);
    const again = (durationMs: number) => {
      places.pop()?.leave(durationMs);
      places.push(place(origins));
    };
    times(30, () => again(10_000));
    expect(retryIn(origins)).toBeGreaterThan(900);
    times(30, () => again(100));
    const before = retryIn(origins);
    expect(retryIn(origins) - before).toBeLessThan(50);
  });

  it('learns nothing from a place that was given back without a request', () => {
    const { origins, places } = fullLimit(10, 4_000);
    places.pop()?.leave();
    place(origins);
    expect(retryIn(origins)).toBe(400);
  });

  it('expects attempts of which none has ended to take at least as long as they have', () => {
    const clock = { now: 0 };
    const origins = new OriginLimit({ limit: 10, now: () => clock.now });
    times(10, () => place(origins));
    clock.now = 8_000;
    expect(retryIn(origins)).toBe(800);
  });

  it('forgets an origin when its last attempt has ended', () => {
    const limit = new OriginLimit({ limit: 2 });
    const places = Array.from({ length: 1_000 }, (_, index) => place(limit, `origin ${index}`));
    expect(limit.size).toBe(1_000);
    for (const { leave } of places) leave(5);
    expect(limit.size).toBe(0);
  });

  describe('says that an origin is slow', () => {
    const watched = () => {
      const clock = { now: 0 };
      return { clock, limit: new OriginLimit({ limit: 100, now: () => clock.now }) };
    };

    it('when attempts take more than 250 ms on average', () => {
      const { limit } = watched();
      place(limit); // An origin without attempts in flight is forgotten.
      place(limit).leave(250);
      expect(limit.isSlow('a')).toBe(false);
      place(limit).leave(400);
      expect(limit.isSlow('a')).toBe(true);
      expect(limit.isSlow('b')).toBe(false);
    });

    it('until it has become fast again', () => {
      const { limit } = watched();
      place(limit);
      place(limit).leave(2_000);
      times(20, () => place(limit).leave(10));
      expect(limit.isSlow('a')).toBe(false);
    });

    it('when its oldest request has taken more than 250 ms already', () => {
      const { limit, clock } = watched();
      const [first, second] = [place(limit), place(limit)];
      first.begin();
      clock.now = 200;
      second.begin();
      clock.now = 251;
      expect(limit.isSlow('a')).toBe(true);
      first.leave();
      expect(limit.isSlow('a')).toBe(false);
      clock.now = 451;
      expect(limit.isSlow('a')).toBe(true);
    });

    it('and not while attempts are only being prepared', () => {
      const { limit, clock } = watched();
      const waiting = place(limit);
      clock.now = 10_000;
      expect(limit.isSlow('a')).toBe(false);
      waiting.leave();
      waiting.begin();
      place(limit);
      clock.now = 20_000;
      expect(limit.isSlow('a')).toBe(false);
    });
  });

  it.each([
    // Asking every 200 ms would take 3.5, 24 and 316 questions for each call.
    { calls: 1_000, durationMs: 100, asksPerCall: 3 },
    { calls: 1_000, durationMs: 1_000, asksPerCall: 4 },
    { calls: 1_000, durationMs: 14_000, asksPerCall: 9 },
  ])(
    'keeps an origin busy with few questions: $calls calls of $durationMs ms',
    ({ calls, durationMs, asksPerCall }) => {
      const { finishedAt, asks } = simulate(calls, durationMs);
      const ideal = (calls / 100) * durationMs;
      // Those who come back when a place has just been taken wait for the shortest wait once more.
      expect(finishedAt).toBeLessThan(ideal * 1.2 + 2_000);
      expect(asks / calls).toBeLessThan(asksPerCall);
    },
  );

  it('never has more in flight than its limit, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.nat(20_000)), (maxInFlight, script) => {
        let now = 0;
        const limit = new OriginLimit({ limit: maxInFlight, now: () => now });
        const inside: Place[] = [];
        for (const step of script) {
          now += step / 10;
          if (step % 3 === 0) {
            inside.shift()?.leave(step);
            continue;
          }
          const answer = limit.enter('a');
          expect(isBusy(answer)).toBe(inside.length === maxInFlight);
          if (isBusy(answer)) {
            expect(answer.retry_in_ms).toBeGreaterThanOrEqual(200);
            expect(answer.retry_in_ms).toBeLessThanOrEqual(15_000);
          } else inside.push(answer);
        }
      }),
    );
  });
});
