import { describe, expect, test } from 'vitest';
import type { DeliveryEnd } from '../../../contract/delivery.js';
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
});
