import { describe, expect, test } from 'vitest';
import type { BatchRequest } from '../../../contract/batch.js';
import type { DeliveryEnd } from '../../../contract/delivery.js';
import { dueCalls, IDLE_PROBE_MS, LONE_PROBE_MS, MAX_ELSEWHERE, nextDue, ROUND_SIZE } from '../../../workflows/due.js';
import { batchOf, names, World, type WorldOptions } from '../../support/book-world.js';

const HOUR = 3_600_000;
const delivered: DeliveryEnd = { kind: 'delivered' };
const refused: DeliveryEnd = { kind: 'retry', due_in: HOUR, endpoint_failed: true };
const answered500: DeliveryEnd = { kind: 'retry', due_in: HOUR, endpoint_failed: false };

function worldOf(batches: BatchRequest[], options: Partial<WorldOptions> = {}): World {
  const world = new World({ batches, behaviour: () => delivered, ...options });
  while (world.book.unregistered().length > 0) world.turn();
  return world;
}

const due = ({ book, now }: World): string[] => dueCalls(book, now).map(({ id }) => id);

/** A and B in one batch, call by call. */
const twoEndpoints = { endpointOf: (callId: string) => (callId.startsWith('a') ? 'http://a' : 'http://b') };

describe('the first round', () => {
  test('is small towards an endpoint that has not answered yet', () => {
    expect(due(worldOf([batchOf('b.0', names(200))]))).toHaveLength(10);
  });

  test('is no larger than the failures that mark the endpoint down', () => {
    expect(due(worldOf([batchOf('b.0', names(200), { options: { down_after: 3 } })]))).toHaveLength(3);
  });

  test('holds calls to every endpoint of the batch', () => {
    const calls = [...names(100, 'a'), ...names(100, 'b')];
    expect(due(worldOf([batchOf('b.0', calls)], twoEndpoints))).toEqual([...names(10, 'a'), ...names(10, 'b')]);
  });
});

describe('a later round', () => {
  test.each([
    [70, [35, 35, 0]],
    [15, [8, 7, 0]],
    [2, [1, 1, 0]],
    [1, [1, 0, 0]],
  ])('leaves to the next one a half of the %i that may be in flight, once the endpoint has answered', (most, sizes) => {
    const world = worldOf([batchOf('b.0', names(500), { options: { max_in_flight: most } })]);
    world.turn();
    for (const size of sizes) {
      const calls = dueCalls(world.book, world.now);
      expect(calls).toHaveLength(size);
      world.book.begin({ calls, parts: [] }, world.now);
    }
  });

  test('is bounded whatever may be in flight', () => {
    const world = worldOf([batchOf('b.0', names(900), { options: { max_in_flight: 500 } })]);
    world.turn();
    expect(due(world)).toHaveLength(ROUND_SIZE);
  });

  test('leaves out what is in flight elsewhere', () => {
    const world = worldOf([batchOf('b.0', names(100), { options: { max_in_flight: 15 } })], {
      behaviour: (call) => (call.id === 'c-0' ? delivered : { kind: 'slow' }),
    });
    world.turn();
    expect(world.book.elsewhere.size).toBe(7);
    world.turn();
    expect(due(world)).toEqual([]);
  });

  test('starts nothing more towards slow endpoints when too much is in flight elsewhere', () => {
    const calls = [...names(1_200, 'a'), ...names(5, 'b')];
    const world = worldOf([batchOf('b.0', calls, { options: { max_in_flight: 500 } })], {
      ...twoEndpoints,
      behaviour: (call) => (call.place < 3 ? delivered : { kind: 'slow' }),
    });
    for (let turn = 0; turn < 20 && world.book.elsewhere.size < MAX_ELSEWHERE; turn += 1) world.turn();
    expect(world.book.elsewhere.size).toBeLessThan(MAX_ELSEWHERE + ROUND_SIZE);
    expect(due(world).filter((id) => id.startsWith('a'))).toEqual([]);
  });
});

describe('a down endpoint', () => {
  test('holds its untried calls back, and no call of another endpoint', () => {
    const world = worldOf([batchOf('b.0', [...names(12, 'a'), ...names(30, 'b')])], {
      ...twoEndpoints,
      behaviour: (_call, endpoint) => (endpoint === 'http://a' ? refused : delivered),
    });
    world.runUntil(world.now + 1);
    expect(world.book.batches[0]?.counts).toMatchObject({ delivered: 30, retrying: 10, pending: 2 });
  });

  test('is tried with an untried call when nothing has been sent there for a minute', () => {
    const world = worldOf([batchOf('b.0', names(30))], { behaviour: () => refused });
    world.turn();
    expect(due(world)).toEqual([]);
    expect(nextDue(world.book, world.now)).toBe(world.now + IDLE_PROBE_MS);
    world.now += IDLE_PROBE_MS;
    expect(due(world)).toEqual(['c-10']);
  });

  test('is tried with an untried call soon when those that were tried are paused', () => {
    const world = worldOf([batchOf('b.0', names(10)), batchOf('b.1', names(5, 'd'))], { behaviour: () => refused });
    world.turn();
    expect(due(world)).toEqual([]);
    world.order({ kind: 'pause', batch_id: 'b.0' });
    expect(nextDue(world.book, world.now)).toBe(world.now + LONE_PROBE_MS);
    world.now += LONE_PROBE_MS;
    expect(due(world)).toEqual(['d-0']);
  });

  test('does not use up one call after the other when each has a single attempt', () => {
    const world = worldOf([batchOf('b.0', names(100))], {
      behaviour: () => ({ kind: 'failed', error: 'ScheduleUsedUp', endpoint_failed: true }),
      horizonMs: 60_000,
    });
    world.run();
    const errors = world.outcomes.map(({ error }) => error?.type);
    expect(errors.filter((type) => type === 'ScheduleUsedUp').length).toBeLessThan(25);
    expect(errors.filter((type) => type === 'NeverTried').length).toBeGreaterThan(75);
  });

  test('is not down for a batch that bears more failures', () => {
    const patient = batchOf('b.1', names(50, 'p'), { options: { down_after: 100 } });
    const world = worldOf([batchOf('b.0', names(5), { options: { down_after: 5 } }), patient], {
      behaviour: () => refused,
    });
    world.turn();
    expect(due(world).length).toBeGreaterThan(0);
    expect(due(world).every((id) => id.startsWith('p'))).toBe(true);
  });

  test('is full of calls again after its first success', () => {
    let up = false;
    const world = worldOf([batchOf('b.0', names(300))], { behaviour: () => (up ? delivered : refused) });
    world.turn();
    up = true;
    world.order({ kind: 'retry', call_ids: ['c-0'] });
    world.turn();
    expect(due(world)).toHaveLength(50);
  });
});

describe('nothing is due', () => {
  test('of a paused batch, whatever its calls wait for', () => {
    const world = worldOf([batchOf('b.0', names(20))], { behaviour: () => answered500 });
    world.turn();
    world.order({ kind: 'pause' });
    world.now += 2 * HOUR;
    expect(due(world)).toEqual([]);
    expect(nextDue(world.book, world.now)).toBe(Number.POSITIVE_INFINITY);
  });

  test('while the store is away, but one call when it is time to ask again', () => {
    const world = worldOf([batchOf('b.0', names(100))]);
    world.book.store.failed(world.now);
    expect(due(world)).toEqual([]);
    expect(nextDue(world.book, world.now)).toBe(world.now + 1_000);
    world.now += 1_000;
    expect(due(world)).toHaveLength(1);
  });

  test('that has to be read, while the call source is away', () => {
    const world = worldOf([batchOf('b.0', names(100))], {
      behaviour: () => ({ kind: 'unread', due_in: 1_000, source_away: true }),
    });
    world.turn();
    world.turn();
    expect(due(world).length).toBeLessThanOrEqual(1);
  });
});

describe('a call source that cannot read some calls', () => {
  test('holds up no other call', () => {
    const world = worldOf([batchOf('b.0', names(200))], {
      behaviour: ({ id }) =>
        Number(id.slice(2)) % 20 === 0 ? { kind: 'unread', due_in: 30_000, source_away: true } : delivered,
    });
    world.runUntil(world.now + 1);
    expect(world.book.batches[0]?.counts).toMatchObject({ delivered: 190, pending: 10 });
  });
});

describe('calls that wait', () => {
  test('share a timer within half a second, or a hundredth of their delay', () => {
    const delays = [5_010, 5_180, 5_350];
    const world = worldOf([batchOf('b.0', names(3))], {
      behaviour: ({ place }) => ({ kind: 'retry', due_in: delays[place] ?? 0, endpoint_failed: false }),
    });
    world.turn();
    expect(new Set(world.book.batches[0]?.calls.map((call) => call.due)).size).toBe(1);
  });

  test('are tried in the order in which they became due', () => {
    const world = worldOf([batchOf('b.0', names(3))], {
      behaviour: ({ place }) => ({ kind: 'retry', due_in: (3 - place) * 10_000, endpoint_failed: false }),
    });
    world.turn();
    world.now += 60_000;
    expect(due(world)).toEqual(['c-2', 'c-1', 'c-0']);
  });
});
