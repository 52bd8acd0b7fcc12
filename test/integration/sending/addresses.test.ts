import { describe, expect, it } from 'vitest';
import type { Lookup } from '../../../activities/lookup.js';
import { BusyListener } from '../../support/busy-listener.js';
import { Receiver } from '../../support/receiver.js';
import { answered, failed, startSender } from './sender.js';

/** Nobody listens at 127.0.0.2 and the like. */
const resolvesTo =
  (...addresses: string[]): Lookup =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

describe('an endpoint with several addresses', () => {
  it.each([
    ['slow first', ['127.0.0.1', '127.0.0.2']],
    ['slow last', ['127.0.0.2', '127.0.0.1']],
  ])('is reached at the one that is slow to connect when the other refuses: %s', async (_order, addresses) => {
    await using endpoint = await BusyListener.start();
    const send = startSender({ lookup: resolvesTo(...addresses) });
    const sent = send(`http://endpoint.test:${endpoint.port}/`);
    endpoint.acceptConnections();
    await expect(sent).resolves.toEqual(answered(200));
  });

  it('is reached at the next one while the first does not connect', async () => {
    await using silent = await BusyListener.start();
    await using receiver = await Receiver.start({ host: '127.0.0.2', port: silent.port });
    const send = startSender({ lookup: resolvesTo('127.0.0.1', '127.0.0.2') });
    await expect(send(receiver.urlFor('endpoint.test'))).resolves.toEqual(answered(200));
  });

  it('is reached at the last one that may be dialled when all others refuse', async () => {
    await using receiver = await Receiver.start();
    const others = Array.from({ length: 7 }, (_, index) => `127.0.1.${index + 1}`);
    const send = startSender({ lookup: resolvesTo(...others, '127.0.0.1') });
    await expect(send(receiver.urlFor('endpoint.test'))).resolves.toEqual(answered(200));
    expect(receiver.connections).toBe(1);
  });

  it('is not dialled at its ninth one: a name is no list for a port scan', async () => {
    await using receiver = await Receiver.start();
    const others = Array.from({ length: 8 }, (_, index) => `127.0.1.${index + 1}`);
    const send = startSender({ lookup: resolvesTo(...others, '127.0.0.1') });
    const end = await send(receiver.urlFor('endpoint.test'));
    expect(end).toEqual(failed('refused', 'connection refused'));
    expect(receiver.connections).toBe(0);
  });

  it.each([
    ['224.0.0.1', '127.0.0.2'],
    ['127.0.0.2', '224.0.0.1'],
  ])('that refuses at one fails as refused, though there is no route to another: %s, %s', async (...addresses) => {
    const lookup = resolvesTo(...addresses);
    const send = startSender({ allowNetworks: ['127.0.0.0/8', '224.0.0.0/4'], lookup });
    await expect(send('http://endpoint.test:9/')).resolves.toEqual(failed('refused', 'connection refused'));
  });

  it('times out when none connects within the attempt, and is dialled no longer', async () => {
    await using silent = await BusyListener.start();
    const send = startSender({ timeoutMs: 500, lookup: resolvesTo('127.0.0.1', '127.0.0.1') });
    const end = await send(`http://endpoint.test:${silent.port}/`);
    expect(end).toEqual(failed('timeout', 'timed out after 500 ms'));
  });
});
