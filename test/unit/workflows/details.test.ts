import { describe, expect, test } from 'vitest';
import type { DeliveryEnd } from '../../../contract/delivery.js';
import { detailsOf } from '../../../workflows/details.js';
import { stateOf } from '../../../workflows/search-attributes.js';
import { batchOf, names, World } from '../../support/book-world.js';

const HOUR = 3_600_000;
const refused: DeliveryEnd = { kind: 'retry', due_in: HOUR, endpoint_failed: true, answer: 'connection refused' };
const answered = (answer: string): DeliveryEnd => ({ kind: 'retry', due_in: HOUR, endpoint_failed: false, answer });

/** Turns of the loop until nothing is to be done now. */
function settle(world: World): World {
  const { now } = world;
  while (world.now === now) if (!world.turn()) break;
  return world;
}

const rowsOf = (details: string, head: string): string[][] => {
  const lines = details.split('\n');
  const from = lines.findIndex((line) => line.startsWith(`| ${head} `));
  if (from < 0) return [];
  const end = lines.indexOf('', from);
  return lines.slice(from + 2, end).map((line) => line.slice(2, -2).split(' | '));
};

describe('the details', () => {
  test('name the endpoint that is down, since when, and how many calls wait for it', () => {
    const world = settle(new World({ batches: [batchOf('b.1', names(40))], behaviour: () => refused }));
    const details = detailsOf(world.book);
    expect(rowsOf(details, 'batch')).toEqual([['b.1', 'u-1', '**running**', '40: 30 pending, 10 retrying']]);
    expect(rowsOf(details, 'endpoint')).toEqual([[expect.any(String), '**down**', expect.stringMatching(/Z$/), '40']]);
    expect(rowsOf(details, 'waiting call')[0]).toEqual(['c-0', '1', 'connection refused', expect.stringMatching(/Z$/)]);
    expect(details).toContain('`pause`');
  });

  test('list the calls that were tried most often, and tell those that are paused', () => {
    const world = new World({
      batches: [batchOf('b.1', names(30))],
      behaviour: ({ id }) => (id === 'c-29' ? { ...answered('404'), due_in: 1_000 } : answered('422')) as DeliveryEnd,
    });
    while (world.tried.filter(({ call }) => call === 'c-29').length < 3) world.turn();
    const rows = rowsOf(detailsOf(world.book), 'waiting call');
    expect(rows).toHaveLength(10);
    expect(rows.slice(0, 2)).toEqual([
      ['c-29', expect.any(String), '404', expect.any(String)],
      ['c-0', '1', '422', expect.any(String)],
    ]);
    world.order({ kind: 'pause' });
    expect(rowsOf(detailsOf(world.book), 'waiting call')[0]?.at(-1)).toBe('paused');
  });
});

describe('the state', () => {
  const batches = () => [batchOf('b.1', names(20, 'a')), batchOf('b.2', names(1, 'b'))];

  test('is the first that holds for any batch', () => {
    const world = settle(new World({ batches: batches(), behaviour: () => answered('500') }));
    expect(stateOf(world.book)).toBe('waiting');
    world.order({ kind: 'pause', batch_id: 'b.2' });
    expect(stateOf(world.book)).toBe('paused');
    world.order({ kind: 'cancel', batch_id: 'b.1' });
    expect(stateOf(world.book)).toBe('canceling');
  });

  test('is down only while calls wait for an endpoint that is', () => {
    const behaviour = (_: unknown, endpoint: string) => (endpoint === 'http://dead' ? refused : answered('404'));
    const endpointOf = (callId: string) => (callId.startsWith('a') ? 'http://dead' : 'http://one');
    const world = settle(new World({ batches: batches(), behaviour, endpointOf }));
    expect(stateOf(world.book)).toBe('down');
    world.order({ kind: 'cancel', batch_id: 'b.1' });
    settle(world);
    expect(stateOf(world.book)).toBe('waiting');
  });

  test('is delivering until every call was tried', () => {
    const world = new World({ batches: batches(), behaviour: () => answered('404') });
    expect(stateOf(world.book)).toBe('delivering');
    expect(stateOf(settle(world).book)).toBe('waiting');
  });
});
