import { describe, expect, it, vi } from 'vitest';
import type { Lookup } from '../../../activities/lookup.js';
import { redirectTo } from '../../support/behaviours.js';
import { Receiver } from '../../support/receiver.js';
import { answered, failed, startSender } from './sender.js';

const resolvesTo = (...addresses: string[]) =>
  vi.fn<Lookup>(async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));

const refused = (address: string, what: string) =>
  failed('egress_refused', `${address} is ${what}: not reached unless POSTCALL_ALLOW_NETWORKS names its network`);

/** Sends to a name that is the receiver's the first time, and a private address from then on. */
async function sendToRebound(receiver: Receiver) {
  const lookup = resolvesTo('10.1.2.3').mockResolvedValueOnce([{ address: '127.0.0.1', family: 4 }]);
  const send = startSender({ lookup });
  await expect(send(receiver.urlFor('rebinding.test'))).resolves.toEqual(answered(200));
  return { lookup, send };
}

describe('an address in the URL', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['0x7f000001', '127.0.0.1'],
    ['0177.0.0.1', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['１２７.0.0.1', '127.0.0.1'],
    ['[::ffff:127.0.0.1]', '::ffff:7f00:1'],
    ['[::ffff:7f00:1]', '::ffff:7f00:1'],
    ['[0:0:0:0:0:0:0:1]', '::1'],
  ])('is refused as loopback, however it is spelled: %s', async (host, address) => {
    await using receiver = await Receiver.start();
    const send = startSender({ allowNetworks: [] });
    await expect(send(receiver.urlFor(host))).resolves.toEqual(refused(address, 'a loopback address'));
    expect(receiver.connections).toBe(0);
  });

  it.each([
    ['10.0.0.5', '10.0.0.5', 'a private address'],
    ['169.254.169.254', '169.254.169.254', 'a link-local address'],
    ['[fd00:ec2::254]', 'fd00:ec2::254', 'a private address'],
    ['[64:ff9b::10.0.0.1]', '64:ff9b::a00:1', 'a private address'],
    ['[::127.0.0.1]', '::7f00:1', 'a reserved address'],
    ['0.0.0.0', '0.0.0.0', 'an unspecified address'],
    ['[::]', '::', 'an unspecified address'],
  ])('is refused where it is not public: %s', async (host, address, what) => {
    const lookup = resolvesTo('127.0.0.1');
    const send = startSender({ lookup });
    for (const scheme of ['http', 'https']) {
      await expect(send(`${scheme}://${host}/`)).resolves.toEqual(refused(address, what));
    }
    expect(lookup).not.toHaveBeenCalled();
  });

  it.each(['127.0.0.1', '2130706433', '[::ffff:127.0.0.1]'])(
    'is reached where its network is allowed: %s',
    async (host) => {
      await using receiver = await Receiver.start();
      await expect(startSender()(receiver.urlFor(host))).resolves.toEqual(answered(200));
    },
  );
});

describe('a host name', () => {
  it.each([
    ['127.0.0.1', 'a loopback address'],
    ['::ffff:127.0.0.1', 'a loopback address'],
    ['10.1.2.3', 'a private address'],
    ['::1', 'a loopback address'],
  ])('is refused when it resolves to %s', async (address, what) => {
    await using receiver = await Receiver.start();
    const send = startSender({ allowNetworks: [], lookup: resolvesTo(address) });
    await expect(send(receiver.urlFor('innocent.test'))).resolves.toEqual(refused(address, what));
    expect(receiver.connections).toBe(0);
  });

  it('is refused when the system resolves it to a private address', async () => {
    await using receiver = await Receiver.start();
    const end = await startSender({ allowNetworks: [] })(receiver.urlFor('localhost'));
    expect(end).toEqual(failed('egress_refused', /^(127\.0\.0\.1|::1) is a loopback address: /));
    expect(receiver.connections).toBe(0);
  });

  it('is reached at those of its addresses that are allowed, and at no other', async () => {
    await using receiver = await Receiver.start();
    await using forbidden = await Receiver.start();
    const lookup = resolvesTo('127.0.0.2', '10.1.2.3', '::1', '127.0.0.1');
    const send = startSender({ allowNetworks: ['127.0.0.1/32'], lookup });
    await expect(send(receiver.urlFor('mixed.test'))).resolves.toEqual(answered(200));
    expect(receiver.requests[0]?.headers.host).toBe(`mixed.test:${receiver.port}`);
    expect(forbidden.connections).toBe(0);
  });

  it('is resolved once for each connection: the address that was judged is the one that is dialled', async () => {
    await using receiver = await Receiver.start();
    const { lookup } = await sendToRebound(receiver);
    expect(lookup).toHaveBeenCalledTimes(1);
    expect(receiver.connections).toBe(1);
  });

  it('is judged anew at every connection', async () => {
    await using receiver = await Receiver.start();
    const { send } = await sendToRebound(receiver);
    await receiver.close();
    await receiver.listen();
    await expect.poll(() => send(receiver.urlFor('rebinding.test'))).toEqual(refused('10.1.2.3', 'a private address'));
  });

  it('that cannot be resolved fails as such, and is resolved again the next time', async () => {
    await using receiver = await Receiver.start();
    const lookup = resolvesTo('127.0.0.1').mockRejectedValueOnce(Object.assign(new Error(), { code: 'ENOTFOUND' }));
    const send = startSender({ lookup });
    const url = receiver.urlFor('example.test');
    await expect(send(url)).resolves.toEqual(failed('dns', 'DNS lookup of example.test failed: ENOTFOUND'));
    await expect(send(url)).resolves.toEqual(answered(200));
  });

  it('whose lookup hangs times out, is asked for once, and delays no other endpoint', async () => {
    await using receiver = await Receiver.start();
    const lookup = vi.fn<Lookup>((hostname) =>
      hostname === 'dead.test' ? new Promise(() => undefined) : Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    );
    const send = startSender({ lookup, timeoutMs: 500 });
    const dead = Promise.all(Array.from({ length: 100 }, () => send(receiver.urlFor('dead.test'))));
    await expect(send(receiver.urlFor('alive.test'))).resolves.toEqual(answered(200));
    expect(await dead).toEqual(Array.from({ length: 100 }, () => failed('timeout', 'timed out after 500 ms')));
    expect(lookup.mock.calls).toEqual([['dead.test'], ['alive.test']]);
  });
});

describe('a denied network', () => {
  const denied = (address: string, network: string) =>
    failed(
      'egress_refused',
      `${address} is in ${network}: not reached because POSTCALL_DENY_NETWORKS names that network`,
    );

  it('is not reached although it is allowed', async () => {
    await using receiver = await Receiver.start();
    const send = startSender({ denyNetworks: ['127.0.0.1/32'], lookup: resolvesTo('127.0.0.1') });
    await expect(send(receiver.url)).resolves.toEqual(denied('127.0.0.1', '127.0.0.1/32'));
    await expect(send(receiver.urlFor('endpoint.test'))).resolves.toEqual(denied('127.0.0.1', '127.0.0.1/32'));
    await expect(send(receiver.urlFor('[::ffff:7f00:1]'))).resolves.toEqual(denied('::ffff:7f00:1', '127.0.0.1/32'));
    expect(receiver.connections).toBe(0);
  });

  it('is not reached although it is public', async () => {
    const send = startSender({ denyNetworks: ['2a00:64::/96'], lookup: resolvesTo('2a00:64::a00:1') });
    await expect(send('http://endpoint.test/')).resolves.toEqual(denied('2a00:64::a00:1', '2a00:64::/96'));
  });

  it('leaves the other addresses of a name', async () => {
    await using receiver = await Receiver.start();
    const lookup = resolvesTo('127.0.0.2', '127.0.0.1');
    const send = startSender({ denyNetworks: ['127.0.0.2'], lookup });
    await expect(send(receiver.urlFor('endpoint.test'))).resolves.toEqual(answered(200));
  });
});

describe('a redirect', () => {
  it.each(['http://169.254.169.254/latest/meta-data/', 'http://localhost/', 'file:///etc/passwd'])(
    'to %s leads nowhere',
    async (location) => {
      await using receiver = await Receiver.start({ behaviour: redirectTo(location, 307) });
      await expect(startSender()(receiver.url)).resolves.toEqual(answered(307));
      expect(receiver.requests).toHaveLength(1);
    },
  );
});

describe('a list of networks', () => {
  it.each(['allowNetworks', 'denyNetworks'])('that is wrong is refused before anything is sent: %s', (list) => {
    expect(() => startSender({ [list]: ['10.0.0.0/8', 'internal'] })).toThrow('"internal" is not a network');
  });
});
