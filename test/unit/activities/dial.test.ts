import { describe, expect, it } from 'vitest';
import { inDiallingOrder } from '../../../activities/dial.js';

const ordered = (...addresses: string[]): string[] =>
  inDiallingOrder(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))).map(
    ({ address }) => address,
  );

describe('inDiallingOrder', () => {
  it.each([
    [[], []],
    [['192.0.2.1'], ['192.0.2.1']],
    [
      ['192.0.2.2', '192.0.2.1'],
      ['192.0.2.2', '192.0.2.1'],
    ],
    [
      ['2001:db8::1', '2001:db8::2', '2001:db8::3', '192.0.2.1'],
      ['2001:db8::1', '192.0.2.1', '2001:db8::2', '2001:db8::3'],
    ],
    [
      ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2', '2001:db8::3'],
      ['192.0.2.1', '2001:db8::1', '192.0.2.2', '2001:db8::2', '2001:db8::3'],
    ],
  ])("takes turns between the families, the resolver's first first: %j", (addresses, order) => {
    expect(ordered(...addresses)).toEqual(order);
  });
});
