import { describe, expect, test } from 'vitest';
import type { DeliveryEnd } from '../../../contract/delivery.js';
import { FINAL_FAILURES, REJECTIONS } from '../../../contract/failures.js';
import { Book } from '../../../workflows/book.js';
import { carry, unpack } from '../../../workflows/carry.js';
import { batchOf, names, World } from '../../support/book-world.js';

const GONE: DeliveryEnd = { kind: 'failed', error: 'EndpointGone' };

function worldOf(calls: number, end: DeliveryEnd): World {
  return new World({ batches: [batchOf('b.1', names(calls))], behaviour: () => end });
}

describe('a book', () => {
  test('settles at once every call to an endpoint that is gone, those too that are registered later', () => {
    const world = worldOf(1_200, GONE);
    const start = world.now;

    world.run();

    expect(world.book.batches[0]?.counts.failed).toBe(1_200);
    expect(world.now).toBe(start);
    expect(world.tried.length).toBeLessThan(1_200);
  });

  test('registers every call before it tries it, where a statement ends in the middle of a batch', () => {
    const batches = ['b.1', 'b.2', 'b.3'].map((id) => batchOf(id, names(700, id)));
    const world = new World({ batches, behaviour: () => ({ kind: 'delivered' }) });

    world.run();

    expect(world.book.batches.map(({ counts }) => counts.delivered)).toEqual([700, 700, 700]);
  });

  test('keeps an order over an answer without an attempt, and drops it with the attempt', () => {
    const busy: DeliveryEnd = { kind: 'busy', due_in: 500 };
    const ends: DeliveryEnd[] = [busy, busy, { kind: 'retry', due_in: 60_000, endpoint_failed: true }];
    const world = new World({ batches: [batchOf('b.1', ['c-0'])], behaviour: () => ends.shift() ?? GONE });
    while (world.tried.length < 1) world.turn();
    world.order({ kind: 'retry' });

    while (world.tried.length < 2) world.turn();
    expect(world.callNamed('c-0').ordered).toBe(true);

    while (world.tried.length < 3) world.turn();
    expect(world.callNamed('c-0').ordered).toBe(false);
  });

  test.each<[string, DeliveryEnd, boolean]>([
    ['recorded it', { kind: 'delivered' }, true],
    ['is being sent', { kind: 'slow' }, true],
    ['has no place in its process', { kind: 'busy', due_in: 500 }, false],
    ['waits for the store', { kind: 'slow', unopened: true }, false],
    ['found no store', { kind: 'store_away' }, false],
  ])('takes the store for back when an attempt %s: %o %s', (_, end, isBack) => {
    const ends: DeliveryEnd[] = [{ kind: 'store_away' }, end];
    const world = new World({ batches: [batchOf('b.1', ['c-0'])], behaviour: () => ends.shift() ?? GONE });
    while (world.tried.length < 2) world.turn();
    expect(world.book.store.isOpen).toBe(isBack);
  });

  test('takes an order of this run, which the store does not have yet, for newer than what the store says', () => {
    const world = worldOf(3, { kind: 'delivered' });
    world.turn();
    world.order({ kind: 'pause', batch_id: 'b.1' });
    const since = world.now;
    world.order({ kind: 'resume', batch_id: 'b.1' });

    const stored = {
      accepted_at: since,
      paused_ms: 0,
      paused_since: since,
      endpoints: [],
      endpoint_of: [],
      standings: [],
    };
    world.book.adopt({ batch_id: 'b.1', offset: 0, ...stored }, 1_000);

    expect(world.book.batches[0]?.isPaused).toBe(false);
  });

  test('is carried over in a few bytes for each endpoint and each call', () => {
    const calls = names(10_000);
    const world = new World({
      batches: [batchOf('b.1', calls)],
      endpointOf: (id) => `http://customer.example/hooks/${id}`,
      behaviour: () => ({ kind: 'delivered' }),
    });
    while (world.book.unregistered().length > 0) world.turn();
    expect(world.book.endpoints.size).toBe(10_000);

    expect(JSON.stringify(carry(world.book)).length).toBeLessThan(1_500_000);
  });

  test('tells every failure from every other after it was carried over', () => {
    const errors = [...REJECTIONS, ...FINAL_FAILURES];
    const requests = [batchOf('b.1', errors)];
    const book = new Book(requests, 0);
    book.batches[0]?.calls.forEach((call, place) => {
      book.settled(call, errors[place] ?? 'BatchEnded', undefined, 0);
    });

    const [batch] = unpack(requests, carry(book)).batches;

    expect(batch?.calls.map(({ error }) => error)).toEqual(errors);
  });
});
